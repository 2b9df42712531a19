import type { Holder } from '../component/delivery-node.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import type { Signal } from '../data/signal.ts'
import type { QueueOptions } from './queue.ts'

export interface DiskQueueOptions extends QueueOptions {
  readonly signal: Signal
  /** Memory first, disk only while `memory` is full. */
  readonly spill: boolean
  /** Bytes. */
  readonly memory: number
  readonly budget: ByteBudget | undefined
  /** Whether batches are merged, so that what is read back must be sound. */
  readonly merges: boolean
  /** Who has what is read back. */
  readonly holder: Holder
  /** Told when there is something to take. */
  readonly onReady: () => void
  /** Told of items that are lost, why, and in a sentence. */
  readonly onDropped: (items: number, reason: string, message: string) => void
  /** Told of a disk that cannot be read. */
  readonly onTrouble: (error: unknown) => void
}
