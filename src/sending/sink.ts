import type { Delivery } from '../component/delivery.ts'
import type { Refused } from '../component/refused.ts'

/** Where deliveries go: a pipeline, an exporter. Takes whatever comes and never throws; whoever takes, ends. */
export interface Sink {
  take(delivery: Delivery): void
}

export interface Size {
  readonly bytes: number
  readonly items: number
}

/** What the gate asks of a queue downstream. */
export interface Room {
  /** Whether receivers wait for room instead of refusing (`block_on_overflow`). */
  readonly blocks: boolean
  /** Why a batch of this size would not find room now. */
  full(size: Size): Refused | undefined
  /** Calls `watcher` after room was made; returns how to stop it. */
  onRoom(watcher: () => void): () => void
}
