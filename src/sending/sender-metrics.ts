import type { Clock } from '../component/clock.ts'
import type { Forget, Meter } from '../component/meter.ts'
import type { Refused } from '../component/refused.ts'
import { ITEM_UNITS, ITEMS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import type { SendingQueue } from './queue.ts'

/** Upper bounds of buckets, as the Collector's for what a queue sends; of bytes they go on to where a batch of ours may. */
const SIZES = [
  10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000, 20_000,
  30_000, 50_000, 100_000,
]
const BYTES = [...SIZES, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000]

/** What is measured of one exporter and signal, by the Collector's names. */
export interface SenderMetrics {
  began(items: number, bytes: number): void
  ended(): void
  sent(items: number): void
  failed(items: number, refused: Refused): void
  /** Taken into the queue and thrown out of it again, to make room. */
  displaced(items: number): void
  forget(): void
}

interface About {
  readonly clock: Clock
  /** Whether attempts are held back because the backend is away. */
  readonly isOpen: () => boolean
}

export function senderMetrics(
  meter: Meter,
  exporter: string,
  signal: Signal,
  queue: (() => SendingQueue) | undefined,
  about: About,
): SenderMetrics {
  const labels = { exporter }
  const bySignal = { exporter, data_type: signal }
  const counter = (name: string, description: string) =>
    meter.counter(`otelcol_exporter_${name}_${ITEMS[signal]}`, {
      unit: ITEM_UNITS[signal],
      description,
      detailedLabels: ['error.type', 'error.permanent'],
    })
  const sent = counter('sent', 'Items that the other side has taken.').bound(labels)
  const failed = counter('send_failed', 'Items of sends that were given up.')
  const enqueueFailed = counter('enqueue_failed', 'Items that found no place in the queue, or lost theirs.')
  const description = 'Requests on their way, those that wait to be tried again included.'
  const inFlight = meter
    .upDownCounter('otelcol_exporter_in_flight_requests', { unit: '{request}', description })
    .bound(bySignal)
  const size = (name: string, unit: string, description: string, boundaries: readonly number[]) =>
    meter.histogram(`otelcol_exporter_queue_batch_send_${name}`, { unit, level: 'detailed', description, boundaries })
  const items = size('size', '{unit}', 'Items in a batch that the queue sent.', SIZES)
  const bytes = size('size_bytes', 'By', 'Bytes in a batch that the queue sent.', BYTES)
  const forgets = queue === undefined ? [] : queueGauges(meter, queue, bySignal, about.clock)
  const open = 'Whether the backend is taken to be away: one batch at a time tries, the others wait.'
  forgets.push(
    meter.gauge(
      'telegen.exporter.circuit_open',
      { unit: '1', description: open, across: 'max' },
      () => Number(about.isOpen()),
      bySignal,
    ),
  )
  return {
    began(count, length) {
      inFlight.add(1)
      if (queue === undefined) return
      items.record(count, labels)
      bytes.record(length, labels)
    },
    ended: () => inFlight.add(-1),
    sent: (count) => sent.add(count),
    failed: (count, { code, retryable }) =>
      failed.add(count, { ...labels, 'error.type': goCode(code), 'error.permanent': String(!retryable) }),
    displaced: (count) => enqueueFailed.add(count, labels),
    forget: () => forgets.forEach((forget) => forget()),
  }
}

function queueGauges(
  meter: Meter,
  queue: () => SendingQueue,
  labels: { exporter: string; data_type: string },
  clock: Clock,
): Forget[] {
  const gauge = (name: string, unit: string, description: string, read: () => number) =>
    meter.gauge(`otelcol_exporter_${name}`, { unit, description }, read, labels)
  return [
    gauge('queue_size', '{batch}', 'Used capacity of the queue, in what its sizer counts.', () => queue().used),
    gauge('queue_capacity', '{batch}', 'Capacity of the queue, in what its sizer counts.', () => queue().capacity),
    meter.gauge(
      'telegen.exporter.queue.length',
      { unit: '{batch}', level: 'normal', description: 'Batches that wait in the queue for a consumer.' },
      () => queue().length + queue().unread,
      labels,
    ),
    meter.gauge(
      'telegen.exporter.queue.age',
      { unit: 's', value: 'double', across: 'max', description: 'How long ago the oldest that is not sent was taken.' },
      () => Math.max(0, clock.now() - (queue().oldest ?? clock.now())) / 1_000,
      labels,
    ),
  ]
}

/** As Go writes the codes of gRPC, which the Collector shows: `deadline_exceeded` is its own word for a time-out. */
const goCode = (code: Refused['code']): string =>
  GO[code] ?? code.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())

const GO: Partial<Record<Refused['code'], string>> = { cancelled: 'Canceled', deadline_exceeded: 'Deadline_Exceeded' }
