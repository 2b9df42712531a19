import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode, Holder } from '../component/delivery-node.ts'
import { batchSizer } from '../component/sending-options.ts'
import type { Storage } from '../component/storage.ts'
import { buildQueue } from './build-queue.ts'
import type { Queue, QueueListener } from './build-queue.ts'
import { DiskQueue } from './disk-queue.ts'
import type { Leftover } from './leftover.ts'
import { RequestFormer } from './request-former.ts'
import type { SenderOptions } from './sender-options.ts'

export interface LineListener extends QueueListener {
  /** Room was made. */
  onRoom(): void
  /** A single record is larger than a request may be; it is for the listener to end. */
  onOversize(request: Delivery, most: number): void
}

/**
 * Where a sender takes from, in this order: what a predecessor left on disks that are no longer those of this exporter, then its own queue.
 * With `sending_queue::batch` it is put together.
 */
export class Line {
  readonly #options: SenderOptions
  readonly #holder: Holder
  readonly #listener: LineListener
  readonly #former: RequestFormer | undefined
  #queue: Queue | undefined
  #before: readonly DiskQueue[] = []
  #unwatch: (() => void) | undefined

  constructor(options: SenderOptions, holder: Holder, listener: LineListener) {
    this.#options = options
    this.#holder = holder
    this.#listener = listener
    this.#use(buildQueue(options, holder, listener))
    this.#former = this.#formerOf(options)
  }

  get queue(): Queue | undefined {
    return this.#queue
  }

  /** All queues, in order. */
  get queues(): readonly Queue[] {
    return this.#queue ? [...this.#before, this.#queue] : this.#before
  }

  /** Those that are on disk, and open. */
  get disks(): readonly DiskQueue[] {
    return this.queues.filter((queue): queue is DiskQueue => queue instanceof DiskQueue && queue.storage !== undefined)
  }

  async open(): Promise<void> {
    if (this.#queue instanceof DiskQueue)
      await this.#queue.open(this.#storage(), `exporter/${this.#options.id}/${this.#options.signal}`)
  }

  /** Opens what there is nothing to take over from `predecessor` for. Rejects as `open` does. */
  async prepare(predecessor: Line): Promise<void> {
    if (!(this.#queue instanceof DiskQueue)) return
    const storage = this.#storage()
    if (!predecessor.disks.some((disk) => disk.storage === storage)) await this.open()
  }

  /** Goes on with what is left of another line; returns what there is no queue for. Rejects as `open` does, and has then taken nothing. */
  async adopt(leftover: Leftover, successor: (delivery: Delivery) => void): Promise<Delivery[]> {
    const own = this.#queue
    const storage = own instanceof DiskQueue ? this.#storage() : undefined
    const isOpen = own instanceof DiskQueue && own.storage !== undefined
    if (storage && !isOpen && !leftover.has(storage)) await this.open()
    const { same, others, deliveries } = leftover.take(storage, successor)
    for (const delivery of deliveries) (delivery as DeliveryNode).hold(this.#holder)
    for (const queue of others) queue.reconfigure({ holder: this.#holder, onReady: () => this.#listener.onReady() })
    this.#before = others
    if (own === undefined) return deliveries
    if (same && own instanceof DiskQueue) {
      same.replace(own)
      this.#use(same)
      for (const delivery of [...deliveries, ...own.clear()]) same.push(delivery)
    } else own.takeOver(deliveries)
    return []
  }

  /** The next to be sent, if there is one now. */
  next(): Delivery | undefined {
    return this.#former ? this.#former.shift() : this.#shift()
  }

  /** From now on nothing waits to be put together with more. */
  hurry(): void {
    this.#former?.hurry()
  }

  /** Gives back what has been put together, or was to be. */
  unform(): Delivery[] {
    return this.#former?.drain() ?? []
  }

  /** All that waits in memory, in order, which then is the caller's. */
  clear(): Delivery[] {
    return [...this.unform(), ...this.queues.flatMap((queue) => queue.clear())]
  }

  /** Another one has its queue now, and lives longer. */
  leave(): void {
    this.#unwatch?.()
  }

  /** Lets go of a queue on disk; what waits there stays. */
  async close(queue: DiskQueue): Promise<void> {
    this.#before = this.#before.filter((each) => each !== queue)
    try {
      await queue.close()
    } catch (error) {
      this.#options.log.warn({ error }, `${this.#holder.name}: a queue on disk did not close cleanly`)
    }
  }

  #shift(): Delivery | undefined {
    for (const queue of this.#before) {
      const next = queue.shift()
      if (next !== undefined || !queue.isEmpty) return next
      if (queue.isDone) void this.close(queue)
    }
    return this.#queue?.shift()
  }

  #use(queue: Queue | undefined): void {
    this.leave()
    this.#queue = queue
    this.#unwatch = queue?.onRoom(() => this.#listener.onRoom())
  }

  #storage(): Storage {
    const { storage } = this.#options
    if (storage === undefined) throw new Error('there is no storage here')
    return storage()
  }

  #formerOf({ sending: { queue }, clock, log }: SenderOptions): RequestFormer | undefined {
    const batch = queue?.batch
    if (!this.#queue || !queue || !batch?.enabled) return undefined
    return new RequestFormer({
      source: {
        isEmpty: () => this.#queue?.length === 0,
        isFull: () => this.#queue !== undefined && this.#queue.used >= this.#queue.capacity,
        shift: () => this.#shift(),
      },
      batch,
      sizer: batchSizer(queue),
      clock,
      log,
      onReady: () => this.#listener.onReady(),
      onOversize: (request) => this.#listener.onOversize(request, batch.max_size),
    })
  }
}
