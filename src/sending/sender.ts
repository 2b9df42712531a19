import type { Clock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Exporter, SendResult } from '../component/definition.ts'
import { DELIVERED } from '../component/delivery.ts'
import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode, Holder } from '../component/delivery-node.ts'
import type { Meter } from '../component/meter.ts'
import { Refused } from '../component/refused.ts'
import type { SendingOptions } from '../component/sending-options.ts'
import type { StatusReporter } from '../component/status.ts'
import { ITEMS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import { attempt } from './attempt.ts'
import { backoff } from './backoff.ts'
import { MemoryQueue } from './queue.ts'
import type { Room, Sink } from './sink.ts'

export interface SenderOptions {
  /** The exporter's id. */
  readonly id: string
  readonly signal: Signal
  readonly exporter: Exporter
  readonly sending: SendingOptions
  /** The exporter's share of the signal's byte budget: the queue's capacity where none is written. */
  readonly share: number
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
  readonly status: StatusReporter
  /** Told of items that the other side took and did not keep. */
  readonly onRejected: (items: number, reason: string) => void
}

/** What stands before one exporter and signal: queue, consumers, retry, timeout. Without a queue it sends as deliveries come. */
export class Sender implements Sink, Holder {
  readonly name: string
  readonly held = new Set<DeliveryNode>()
  readonly queue: MemoryQueue | undefined
  readonly #options: SenderOptions
  readonly #sent: (items: number) => void
  readonly #failed: (items: number) => void
  readonly #abort = new AbortController()
  #inFlight = 0
  #idle: (() => void) | undefined

  constructor(options: SenderOptions) {
    const { id, signal, sending, share, meter } = options
    this.name = `exporter "${id}"`
    this.#options = options
    this.queue = queueOf(id, sending, share)
    const labels = { exporter: id }
    const count = (name: string, description: string) => {
      const counter = meter.counter(`otelcol_exporter_${name}_${ITEMS[signal]}`, { unit: '{item}', description })
      return (items: number) => counter.add(items, labels)
    }
    this.#sent = count('sent', 'Items that the other side has taken.')
    this.#failed = count('send_failed', 'Items of sends that were given up.')
    const { queue } = this
    if (queue === undefined) return
    const described = { ...labels, data_type: signal }
    meter.gauge(
      'otelcol_exporter_queue_size',
      { unit: '{batch}', description: 'Used capacity of the queue, in what its sizer counts.' },
      () => queue.used,
      described,
    )
    meter.gauge(
      'otelcol_exporter_queue_capacity',
      { unit: '{batch}', description: 'Capacity of the queue, in what its sizer counts.' },
      () => queue.capacity,
      described,
    )
  }

  /** What the gate must ask before data enters. */
  get room(): Room | undefined {
    return this.queue
  }

  take(delivery: Delivery): void {
    ;(delivery as DeliveryNode).hold(this)
    const { queue } = this
    if (this.#abort.signal.aborted)
      return this.#refuse(delivery, new Refused(`${this.name} has stopped`, { code: 'unavailable', retry: {} }))
    if (queue === undefined) return void this.#send(delivery)
    if (!this.#options.sending.queue?.wait_for_result) delivery.reach('accepted')
    queue.push(delivery)
    this.#pump()
  }

  /** Sends what is left until `deadline` aborts; then ends the rest as refused. */
  async stop(deadline: AbortSignal): Promise<void> {
    const stop = () => {
      this.#abort.abort(deadline.reason)
      const stopped = () => new Refused('stopped before it could be sent', { code: 'unavailable', retry: {} })
      for (let left = this.queue?.shift(); left; left = this.queue?.shift()) this.#refuse(left, stopped())
    }
    if (this.#inFlight === 0 && !this.queue?.length) return
    if (deadline.aborted) stop()
    else deadline.addEventListener('abort', stop, { once: true })
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  misuse(what: string): void {
    this.#options.log.error({}, `${this.name} ${what}`)
  }

  #pump(): void {
    const { queue } = this
    const consumers = this.#options.sending.queue?.num_consumers ?? 1
    while (queue && this.#inFlight < consumers) {
      const next = queue.shift()
      if (next === undefined) return
      const size = queue.sizeOf(next)
      void this.#send(next).then(() => {
        queue.settle(size)
        this.#pump()
      })
    }
  }

  async #send(delivery: Delivery): Promise<void> {
    this.#inFlight++
    try {
      const result = await this.#persist(delivery)
      this.#succeed(delivery, result)
    } catch (error) {
      this.#refuse(delivery, error)
    } finally {
      this.#inFlight--
      if (this.#inFlight === 0 && !this.queue?.length) this.#idle?.()
    }
  }

  /** Tries until it works, may not be tried again, or has taken too long. */
  async #persist(delivery: Delivery): Promise<SendResult | void> {
    const { exporter, sending, clock, status } = this.#options
    const { retry } = sending
    const began = clock.monotonic()
    const onStuck = () => this.#stuck()
    const waits = retry?.enabled ? backoff(retry) : undefined
    for (;;) {
      try {
        return await attempt(exporter, delivery, {
          clock,
          timeout: sending.timeout,
          abort: this.#abort.signal,
          onStuck,
        })
      } catch (error) {
        const refused = Refused.from(error)
        if (refused.code !== 'invalid_argument') status.recoverable(`sending failed: ${refused.message}`)
        if (refused.retry === 'never' || !retry || !waits) throw refused
        const wait = Math.max(waits.next().value, refused.retry.after ?? 0)
        const elapsed = clock.monotonic() - began
        if (retry.max_elapsed_time > 0 && elapsed + wait > retry.max_elapsed_time) throw exhausted(refused)
        await clock.sleep(wait, this.#abort.signal).catch(() => {
          throw new Refused(`stopped before it could be sent again: ${refused.message}`, {
            code: 'unavailable',
            retry: {},
          })
        })
      }
    }
  }

  #succeed(delivery: Delivery, result: SendResult | void): void {
    const rejected = result ? Math.min(result.rejected, delivery.batch.items) : 0
    this.#options.status.ok()
    this.#sent(delivery.batch.items - rejected)
    if (rejected > 0) this.#options.onRejected(rejected, result?.reason ?? '')
    delivery.end(DELIVERED)
  }

  #refuse(delivery: Delivery, error: unknown): void {
    const refused = Refused.from(error)
    refused.component ??= this.#options.id
    this.#failed(delivery.batch.items)
    delivery.end(refused)
  }

  #stuck(): void {
    this.#options.status.recoverable('a send has not ended although it was told to')
    this.#options.log.error(
      {},
      `${this.name} does not settle a send that was aborted; its memory stays taken until it does`,
    )
  }
}

/** May be tried again still: where nobody took custody it goes back to the sender, who may have more patience. */
const exhausted = (last: Refused): Refused =>
  new Refused(`no more retries left: ${last.message}`, { code: last.code, retry: last.retry, cause: last })

function queueOf(id: string, { queue }: SendingOptions, share: number): MemoryQueue | undefined {
  if (!queue?.enabled) return undefined
  const written = queue.queue_size !== undefined
  return new MemoryQueue({
    id,
    sizer: queue.sizer ?? (written ? 'requests' : 'bytes'),
    capacity: queue.queue_size ?? share,
    onFull: queue.on_full,
    blocks: queue.block_on_overflow,
  })
}
