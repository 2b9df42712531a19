import { Subject } from 'rxjs'
import { Options } from '../component/options.ts'
import { defineExporter, defineReceiver } from '../component/definition.ts'
import type { SendOptions, SendResult } from '../component/definition.ts'
import type { Delivery, Origin } from '../component/delivery.ts'
import type { Ingress } from '../component/ingress.ts'
import { sendingOptions } from '../component/sending-options.ts'
import type { Batch } from '../data/batch.ts'
import type { Signal } from '../data/signal.ts'

const STABILITY = {
  traces: 'development',
  metrics: 'development',
  logs: 'development',
  profiles: 'development',
} as const

/** What a sink saw. */
export interface Sent {
  readonly exporter: string
  readonly signal: Signal
  readonly items: number
  /** The request's bytes, copied: a batch is only lent to `send`. */
  readonly bytes: Buffer
  readonly origin: Origin
}

/** Called in place of the backend; throw a `Refused` to play one that refuses. */
export type OnSend = (
  batch: Batch,
  options: SendOptions & { readonly exporter: string },
) => Promise<SendResult | void> | SendResult | void

export interface Source {
  readonly ingress: Ingress
  readonly stream: Subject<Delivery>
}

/** The receiver `test_source`, which emits what the test says, and the exporters `test_sink` (with a queue) and `test_direct` (without). */
export function testComponents(sources: Map<string, Source>, sent: Sent[], onSend: () => OnSend | undefined) {
  const source = defineReceiver({
    type: 'test_source',
    summary: 'Emits what a test says.',
    stability: STABILITY,
    config: Options({}),
    create: ({ id, ingress }) => {
      const stream = new Subject<Delivery>()
      sources.set(id, { ingress, stream })
      return { open: async () => stream, close: async () => {} }
    },
  })
  const send = (exporter: string) => async (batch: Batch, options: SendOptions) => {
    const { abort, cancellation, origin } = options
    const result = await onSend()?.(batch, { abort, cancellation, origin, exporter })
    sent.push({
      exporter,
      signal: batch.signal,
      items: batch.items,
      bytes: Buffer.concat(batch.segments()),
      origin,
    })
    return result
  }
  const sink = defineExporter({
    type: 'test_sink',
    summary: 'Keeps what comes for a test to look at, behind a queue.',
    stability: STABILITY,
    config: Options({ ...sendingOptions }),
    create: ({ id }) => ({ send: send(id) }),
  })
  const direct = defineExporter({
    type: 'test_direct',
    summary: 'Keeps what comes for a test to look at, without a queue.',
    stability: STABILITY,
    config: Options({}),
    create: ({ id }) => ({ send: send(id) }),
  })
  return [source, sink, direct]
}
