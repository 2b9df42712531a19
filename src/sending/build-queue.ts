import { keepsOnDisk, queueSizer } from '../component/sending-options.ts'
import type { Holder } from '../component/delivery-node.ts'
import { DiskQueue } from './disk-queue.ts'
import type { DiskQueueOptions } from './disk-queue-options.ts'
import { MemoryQueue } from './queue.ts'
import type { QueueOptions } from './queue.ts'
import type { SenderOptions } from './sender-options.ts'

/** The queue of one sender: in memory or on disk. */
export type Queue = MemoryQueue | DiskQueue

/** What a queue tells its sender. */
export interface QueueListener {
  onReady(): void
  onDisplaced(items: number): void
}

/** What is written in `sending_queue`; undefined where it is disabled. */
export function buildQueue(options: SenderOptions, holder: Holder, listener: QueueListener): Queue | undefined {
  const { queue } = options.sending
  if (!queue?.enabled) return undefined
  const { id, clock, share } = options
  const about: QueueOptions = {
    id,
    sizer: queueSizer(queue),
    capacity: queue.queue_size ?? (queue.storage === undefined ? share : Infinity),
    onFull: queue.on_full,
    blocks: queue.block_on_overflow,
    clock,
    onDisplaced: (items) => listener.onDisplaced(items),
  }
  return queue.storage === undefined ? new MemoryQueue(about) : new DiskQueue(onDisk(about, options, holder, listener))
}

function onDisk(
  about: QueueOptions,
  options: SenderOptions,
  holder: Holder,
  listener: QueueListener,
): DiskQueueOptions {
  const { signal, sending, share, budget, onDropped, status, log } = options
  return {
    ...about,
    signal,
    spill: !keepsOnDisk(sending.queue),
    memory: share,
    budget,
    merges: sending.queue?.batch?.enabled === true,
    holder,
    onReady: () => listener.onReady(),
    onDropped,
    onTrouble(error) {
      const reason = `reading the queue on disk failed: ${error instanceof Error ? error.message : String(error)}`
      status.recoverable(reason)
      log.warn({ error }, reason)
    },
  }
}
