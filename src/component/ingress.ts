import type { Batch } from '../data/batch.ts'
import type { Slab } from '../data/memory/slab.ts'
import type { Signal } from '../data/signal.ts'
import type { Delivery, Level, Origin } from './delivery.ts'
import type { Refused } from './refused.ts'

/**
 * A receiver's way in. All refusing and waiting of the whole graph happens here: entering charges the signal's byte
 * budget, and the gate is closed while that budget or one of the queues downstream is full. Inside, everybody takes.
 */
export interface Ingress {
  /** Signals for which this receiver stands in a pipeline. */
  readonly signals: readonly Signal[]
  /** The level that the receiver owes to its senders before it says "taken": `await delivery.reached(ingress.acknowledge)`. */
  readonly acknowledge: Level
  /** Why nothing of this size (bytes; at least one) would be taken right now: a push receiver asks before it reads a body. */
  closed(signal: Signal, bytes?: number): Refused | undefined
  /**
   * Memory for a body of `bytes`, charged to the signal's budget from now on. Throws a retryable `Refused` where the gate
   * is closed. The caller fills it and hands it to `admit`, or releases it.
   */
  reserve(signal: Signal, bytes: number): Slab
  /**
   * Takes an encoded request in and makes a delivery of it, to be emitted on the receiver's stream. Throws `Refused`:
   * retryable where the gate is closed, permanent (`invalid_argument`) where the bytes are malformed. Counts both.
   * Whatever happens, a body's reference is taken over: its slab or batch is released when refused, too.
   */
  admit(signal: Signal, body: Body, origin?: Origin): Delivery
  /** Like `admit`, but waits for an open gate where that is wanted: always for `wait`, and with `block_on_overflow` on a queue downstream. */
  enter(signal: Signal, body: Body, options?: EnterOptions): Promise<Delivery>
  /** Whether senders shall wait for an open gate instead of being refused: `block_on_overflow` on a queue downstream. */
  waits(signal: Signal): boolean
  /**
   * Resolves when the gate is open for `bytes` (at least one): what a pull receiver awaits before it reads on. Rejects with the
   * signal's reason when aborted, and with the `Refused` where no such size will ever be taken.
   */
  ready(signal: Signal, abort?: AbortSignal, bytes?: number): Promise<void>
}

export interface EnterOptions {
  readonly origin?: Origin
  readonly abort?: AbortSignal
  readonly wait?: boolean
}

/**
 * An encoded `Export…ServiceRequest`: the first `length` bytes of a reserved slab, a buffer (which is copied into pooled memory
 * and may be reused once it has entered), or a batch that a builder made (trusted to be well-formed and counted).
 */
export type Body = { readonly slab: Slab; readonly length: number } | Buffer | Batch
