import type { Batch } from '../data/batch.ts'
import type { Signal } from '../data/signal.ts'
import type { Refused } from './refused.ts'

/**
 * How safe a delivery is, each level implying the ones before it: `accepted` is in the memory of a holder that answers
 * for it, `durable` on disk, `delivered` at the backend.
 */
export const LEVELS = ['accepted', 'durable', 'delivered'] as const
export type Level = (typeof LEVELS)[number]

/** What the receiver knew of the sender. Exporters and holders read it; merging keeps of it only what they partition by. */
export interface Origin {
  /** Request headers that the receiver passes on (`include_metadata`), keys in lower case. */
  readonly metadata: ReadonlyMap<string, readonly string[]>
  /** `host:port`, a path, or whatever names the other side. */
  readonly peer?: string
  /** How it came: `grpc`, `http`, `udp`. Told in the receiver's metrics. */
  readonly transport?: string
  readonly auth?: Readonly<Record<string, unknown>>
  readonly tenant?: string
}

export const UNKNOWN_ORIGIN: Origin = { metadata: new Map() }

export interface Delivered {
  readonly kind: 'delivered'
}

/** Filtered or sampled out on purpose: counts as delivered. */
export interface Discarded {
  readonly kind: 'discarded'
}

/** On disk, and whoever wrote it there answers for it from now on: `durable` is reached, and nobody waited for more. */
export interface Stored {
  readonly kind: 'stored'
}

export type Outcome = Delivered | Discarded | Stored | Refused

export const DELIVERED: Delivered = { kind: 'delivered' }
export const DISCARDED: Discarded = { kind: 'discarded' }
export const STORED: Stored = { kind: 'stored' }

/**
 * A batch on its way, with its acknowledgement.
 *
 * Whoever holds a delivery does exactly one of three things with it: passes it on, turns it into others (`merge`,
 * `split`, `replace`, `fanOut`: the parts then answer for it), or ends it. Whoever takes custody first announces the
 * level it gives: a memory queue `accepted`, a disk queue `durable`, an exporter `delivered`. The receiver waits for
 * the level it promised to its sender.
 */
export interface Delivery<S extends Signal = Signal> {
  /** The delivery owns one reference and releases it at its end. Who needs the bytes longer, retains. */
  readonly batch: Batch<S>
  readonly origin: Origin
  /** Announces custody. Monotone: a level below the one reached changes nothing. */
  reach(level: Level): void
  /** Exactly once. `delivered` and `discarded` reach every level, `stored` all up to `durable`; a `Refused` fails all levels not yet reached. */
  end(outcome: Outcome): void
  /** Whether the level is reached: to spare a promise where nothing is to be waited for. */
  hasReached(level: Level): boolean
  /** Resolves when the level is reached, rejects with the `Refused` that ended the delivery before. */
  reached(level: Level): Promise<void>
}
