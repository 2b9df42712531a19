import { STORED } from '../component/delivery.ts'
import type { Delivery, Outcome } from '../component/delivery.ts'
import type { DeliveryNode } from '../component/delivery-node.ts'
import type { Refused } from '../component/refused.ts'
import type { Storage, StoredKey, StoredQueue } from '../component/storage.ts'
import { Arrivals } from './arrivals.ts'
import { Awaited } from './awaited.ts'
import type { DiskQueueOptions } from './disk-queue-options.ts'
import { Live } from './live.ts'
import { MemoryOnly } from './memory-only.ts'
import { displaced, queueIsFull, sizeIn, tooLargeFor } from './queue.ts'
import type { SendingQueue } from './queue.ts'
import { Ready } from './ready.ts'
import { ReadBack } from './read-back.ts'
import type { Read } from './read-back.ts'
import { HEADER_GUESS } from './record.ts'
import { Row } from './row.ts'
import type { Size } from './sink.ts'

/** Bytes of what is on disk and waits in memory for a consumer. */
const READY_BYTES = 16 * 1024 * 1024

/**
 * A queue on disk. What comes is written there before it is acknowledged, and sent from memory where a consumer could use it at once;
 * else its memory is let go, and it is read back in its turn. A record is settled when all that was made of it has ended: what was interrupted,
 * by a stop or a crash, comes again.
 */
export class DiskQueue implements SendingQueue {
  #options: DiskQueueOptions
  #storage: Storage | undefined
  #store: StoredQueue | undefined
  #readBack: ReadBack | undefined
  readonly #ready = new Ready()
  /** What the disk did not take, and whose sender has been told that it was taken. */
  readonly #unwritten = new Row<DeliveryNode>()
  readonly #arrivals: Arrivals
  readonly #memory = new MemoryOnly()
  readonly #live = new Live((key, outcome, isStored) => this.#ended(key, outcome, isStored))
  readonly #awaited = new Awaited()
  /** Records of which we know that nobody has read them. */
  #unread = 0
  #isCeasing = false
  #isMakingRoom = false
  #unwatch: (() => void) | undefined
  readonly #watchers = new Set<() => void>()

  constructor(options: DiskQueueOptions) {
    this.#options = options
    this.#arrivals = new Arrivals({
      options: () => this.#options,
      store: () => this.#store,
      makeRoom: () => this.#makeRoom(),
      appended: (store, key, node) => this.#appended(store, key, node),
      refused: (node, refused) => this.#refused(node, refused),
    })
  }

  get blocks(): boolean {
    return this.#options.blocks
  }

  get storage(): Storage | undefined {
    return this.#store && this.#storage
  }

  get used(): number {
    const { sizer } = this.#options
    const { records: requests = 0, items = 0, bytes = 0 } = this.#store ?? {}
    return { requests, items, bytes }[sizer] + this.#arrivals.tally.in(sizer) + this.#memory.tally.in(sizer)
  }

  get capacity(): number {
    const { sizer, capacity } = this.#options
    return sizer === 'bytes' ? Math.min(capacity, this.#store?.capacity ?? Infinity) : capacity
  }

  get length(): number {
    return this.#ready.length + this.#unwritten.length + this.#arrivals.waiting
  }

  /** Whether nothing more will come out of it, unless more comes in. */
  get isEmpty(): boolean {
    return this.length === 0 && this.#unread === 0 && this.#arrivals.tally.records === 0
  }

  /** Whether all that ever came out of it has ended, too. */
  get isDone(): boolean {
    return this.isEmpty && this.#live.isEmpty && this.#memory.isEmpty
  }

  /** Records on disk that are not in memory. */
  get unread(): number {
    return this.#unread
  }

  get oldest(): number | undefined {
    const times = [this.#live.oldest, this.#memory.oldest]
    const known = times.filter((at) => at !== undefined)
    if (known.length > 0) return Math.min(...known)
    return this.#unread > 0 ? this.#live.youngest : undefined
  }

  full(size: Size): Refused | undefined {
    const { id, sizer, capacity, onFull } = this.#options
    const wanted = sizeIn(sizer, size)
    if (wanted > capacity) return tooLargeFor(id, wanted, sizer, capacity)
    if (this.#fitsInMemory(size)) return undefined
    if (onFull === 'hold' && this.used + wanted > capacity) return queueIsFull(id)
    if (this.#awaited.isFull) return queueIsFull(id)
    return this.#store?.full(size.bytes + HEADER_GUESS)
  }

  onRoom(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Rejects where the storage does; then it may be tried again. */
  async open(storage: Storage, name: string): Promise<void> {
    const { onDropped } = this.#options
    const store = await storage.queue(name, ({ items, reason, message }) => onDropped(items, reason, message))
    this.#storage = storage
    this.#store = store
    this.#isCeasing = false
    this.#unread = store.unread
    this.#unwatch = store.onRoom(() => this.#roomOnDisk())
    const { signal, budget, clock } = this.#options
    this.#readBack = new ReadBack({
      store,
      signal,
      budget,
      merges: () => this.#options.merges,
      clock,
      holdsNothing: () => this.#live.isEmpty && this.#memory.isEmpty,
      isMakingRoom: () => this.#isMakingRoom,
      onTrouble: (error) => this.#options.onTrouble(error),
    })
    for (const node of this.#arrivals.clear()) this.#place(node)
    this.#read()
  }

  /** Goes on in place of `other`, which was never open. */
  replace(other: DiskQueue): void {
    this.reconfigure(other.#options)
  }

  /** Goes on for another sender of the same exporter and signal. */
  reconfigure(options: Partial<DiskQueueOptions>): void {
    this.#options = { ...this.#options, ...options }
    this.#ready.move(this.#options.holder)
    this.#tell()
  }

  resize(memory: number): void {
    this.#options = { ...this.#options, memory }
    this.#tell()
  }

  push(delivery: Delivery): void {
    const node = delivery as DeliveryNode
    if (this.#store) this.#place(node)
    else this.#arrivals.wait(node)
  }

  shift(): Delivery | undefined {
    const next = this.#ready.shift()
    if (next === undefined) return this.#unwritten.shift()
    this.#read()
    return next
  }

  putBack(deliveries: readonly Delivery[]): void {
    this.#ready.putBack(deliveries)
  }

  /** What another queue had in memory. */
  takeOver(deliveries: readonly Delivery[]): void {
    for (const each of deliveries) this.push(each)
  }

  /** All that waits in memory, in order, which then is the caller's; what is on disk as well says so. */
  clear(): Delivery[] {
    return [...this.#ready.clear(), ...this.#unwritten.clear(), ...this.#arrivals.clear()]
  }

  /** From now on nothing is read, and what is written stays on disk. */
  cease(): void {
    this.#isCeasing = true
    this.#readBack?.cancel()
  }

  /** Writes what is in memory alone and was given out by `clear`; false where the disk did not take it. */
  keep(delivery: Delivery): Promise<boolean> {
    return this.#arrivals.keep(delivery)
  }

  /** After `cease`, when nothing of it is under way any more: lets go of the storage. What waits there stays. */
  async close(): Promise<void> {
    await this.#arrivals.written
    await this.#readBack?.idle
    this.#awaited.close()
    this.#unwatch?.()
    const store = this.#store
    this.#store = undefined
    this.#unread = 0
    await store?.close()
  }

  /** What has been handed to the disk is there, or was refused. */
  written(): Promise<void> {
    return this.#arrivals.written
  }

  #place(node: DeliveryNode): void {
    if (!this.#fitsInMemory(node.batch)) return this.#arrivals.write(node)
    this.#remember(node)
    this.#makeReady(node)
  }

  /** Once something has been spilled all goes to disk, so that it is sent in order. */
  #fitsInMemory({ bytes }: Size): boolean {
    const { spill, memory } = this.#options
    return (
      spill && this.#unread === 0 && this.#arrivals.tally.records === 0 && this.#memory.tally.bytes + bytes <= memory
    )
  }

  #remember(node: DeliveryNode): void {
    this.#memory.add(node, this.#options.clock.now(), () => {
      this.#tell()
      this.#read()
    })
  }

  #appended(store: StoredQueue, key: StoredKey, node: DeliveryNode): void {
    this.#memory.remove(node)
    node.isOnDisk = true
    node.reach('durable')
    if (!this.#isCeasing && this.#hasRoomFor(node.batch.bytes) && store.claim(key)) {
      this.#live.follow(key, node, this.#options.clock.now())
      return this.#makeReady(node)
    }
    // It may have been read back already, before we heard that it was there.
    if (!this.#live.has(key)) this.#unread++
    if (node.awaits('delivered')) this.#awaited.add(key, node)
    else node.end(STORED)
    this.#read()
  }

  /** Nobody upstream counts on it: it goes back. Else it stays in memory, is sent from there, or written when the disk is well again. */
  #refused(node: DeliveryNode, refused: Refused): void {
    if (!refused.retryable || !node.isPromised) {
      this.#memory.remove(node)
      node.end(refused)
      return this.#tell()
    }
    this.#remember(node)
    this.#unwritten.push(node)
    this.#options.onReady()
  }

  #roomOnDisk(): void {
    for (const node of this.#unwritten.clear()) this.#arrivals.write(node)
    this.#tell()
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#ready.hasRoomFor(bytes, Math.min(READY_BYTES, this.#options.memory / 2))
  }

  #makeReady(node: DeliveryNode): void {
    this.#ready.push(node)
    this.#options.onReady()
  }

  #ended(key: StoredKey, outcome: Outcome, isStored: boolean): void {
    if (!isStored) this.#store?.settle(key)
    this.#awaited.end(key, isStored ? STORED : outcome)
    this.#tell()
    this.#read()
  }

  /** Reads ahead as far as there is room for it; one where it is to be dropped. */
  #read(): void {
    const wantsMore = () => (this.#isMakingRoom ? this.#ready.length === 0 : this.#hasRoomFor(1))
    this.#readBack?.run(
      () => !this.#isCeasing && this.#unread > 0 && wantsMore(),
      (read) => this.#revive(read),
    )
  }

  #revive(read: Read | undefined): void {
    // The storage has stopped: what is left there stays, nobody here waits for it, and what comes behind it goes on.
    if (read === undefined && this.#store?.isClosed) return void this.close().then(() => this.#options.onReady())
    const unread = this.#store?.unread ?? 0
    this.#unread = read === undefined ? unread : Math.min(this.#unread - 1, unread)
    this.#dismiss(read?.key ?? (unread === 0 ? Infinity : 0))
    if (read === undefined) return
    const { holder, onDropped } = this.#options
    if ('damage' in read) {
      this.#store?.settle(read.key)
      onDropped(read.items, 'damaged', read.damage)
      return this.#dismiss(read.key + 1)
    }
    const node = read.delivery({
      // Whoever waits for it hears of its end, and answers for it.
      acknowledge: this.#awaited.has(read.key) ? 'delivered' : 'durable',
      ended() {},
      lost: (part, refused) => onDropped(refused.items ?? part.items, refused.reason, refused.message),
    })
    node.hold(holder)
    node.isOnDisk = true
    node.reach('durable')
    this.#live.follow(read.key, node, read.at)
    this.#makeReady(node)
  }

  #dismiss(before: StoredKey): void {
    this.#awaited.dismiss(before, (key) => this.#live.has(key))
  }

  async #makeRoom(): Promise<void> {
    const { id, onDisplaced, capacity } = this.#options
    while (this.used > capacity && !this.#isCeasing) {
      const oldest = this.shift() ?? (await this.#oldestOnDisk())
      if (oldest === undefined) return
      onDisplaced(oldest.batch.items)
      oldest.end(displaced(id))
    }
  }

  async #oldestOnDisk(): Promise<Delivery | undefined> {
    if (this.#unread === 0) return undefined
    this.#isMakingRoom = true
    this.#read()
    await this.#readBack?.idle
    this.#isMakingRoom = false
    return this.shift()
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
