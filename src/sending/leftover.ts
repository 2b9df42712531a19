import { STORED } from '../component/delivery.ts'
import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode } from '../component/delivery-node.ts'
import type { Storage } from '../component/storage.ts'
import type { Queue } from './build-queue.ts'
import { DiskQueue } from './disk-queue.ts'

/** Where what comes to a sender goes when it has handed over: to the one that sits there now. */
export interface Seat {
  take: (delivery: Delivery) => void
}

/** What a sender that ceased has not sent: for `adopt` of another one, of the same exporter and signal. */
export class Leftover {
  /** Whose it is: its `stop` ends it where nobody adopts. */
  readonly from: { stop(deadline: AbortSignal): Promise<void> }
  /** Oldest first. What comes to the sender until somebody adopts is added to the last. */
  readonly #queues: readonly Queue[]
  #deliveries: Delivery[] = []
  readonly seat: Seat
  readonly #succeed: () => Delivery[]

  /** `succeed`: from now on what comes to the old sender goes to `seat`; returns what it has beside its queues. */
  constructor(from: Leftover['from'], queues: readonly Queue[], seat: Seat, succeed: () => Delivery[]) {
    this.from = from
    this.#queues = queues
    this.seat = seat
    this.#succeed = succeed
  }

  /** Lets go of the disk, because the storage itself stops. What is there stays; what is in memory alone stays here. */
  async close(): Promise<void> {
    for (const queue of this.#queues) {
      if (!(queue instanceof DiskQueue) || queue.storage === undefined) continue
      queue.cease()
      await queue.written()
      for (const delivery of queue.clear()) {
        if ((delivery as DeliveryNode).isOnDisk) delivery.end(STORED)
        else this.#deliveries.push(delivery)
      }
      await queue.close()
    }
  }

  /** Hands all over: the queue on `storage`, those on others, and what is in memory, in order. */
  take(
    storage: Storage | undefined,
    successor: (delivery: Delivery) => void,
  ): { readonly same: DiskQueue | undefined; readonly others: readonly DiskQueue[]; readonly deliveries: Delivery[] } {
    let same: DiskQueue | undefined
    const others: DiskQueue[] = []
    const deliveries = this.#deliveries.splice(0)
    for (const queue of this.#queues) {
      if (!(queue instanceof DiskQueue) || queue.storage === undefined) deliveries.push(...queue.clear())
      else if (queue.storage === storage) same = queue
      else others.push(queue)
    }
    this.seat.take = successor
    deliveries.push(...this.#succeed())
    return { same, others, deliveries }
  }

  /** Whether there is a queue on that storage. */
  has(storage: Storage): boolean {
    return this.#queues.some((queue) => queue instanceof DiskQueue && queue.storage === storage)
  }
}
