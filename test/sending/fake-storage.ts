import { offer } from '../../src/component/capability.ts'
import { defineExtension } from '../../src/component/definition.ts'
import { Options } from '../../src/component/options.ts'
import { Refused } from '../../src/component/refused.ts'
import { Storage } from '../../src/component/storage.ts'
import type { ReadRecord, StoredKey, StoredQueue, StoredValue } from '../../src/component/storage.ts'
import type { Slab } from '../../src/data/memory/slab.ts'

interface Kept {
  readonly key: StoredKey
  readonly items: number
  readonly bytes: Buffer
  isSettled: boolean
  isRead: boolean
}

/** A reader that goes on asking would stop all else. */
const MOST_MISSES = 1_000

const away = () => new Refused('the disk is full', { code: 'resource_exhausted', retry: {} })

/** A disk in memory that outlives what uses it, as files do; a test says when it is full, slow, or gone with its process. */
export class FakeStorage implements Storage {
  /** Bytes of a queue. */
  maxSize = Infinity
  isBroken = false
  /** What each append waits for. */
  sync: () => Promise<void> = () => Promise.resolve()
  readonly #kept = new Map<string, Kept[]>()
  readonly #open = new Map<string, FakeQueue>()

  async queue(name: string): Promise<StoredQueue> {
    if (this.#open.has(name)) throw new Error(`queue "${name}" is open already`)
    const kept = (this.#kept.get(name) ?? []).filter(({ isSettled }) => !isSettled)
    for (const each of kept) each.isRead = false
    this.#kept.set(name, kept)
    const queue = new FakeQueue(this, kept, () => this.#open.delete(name))
    this.#open.set(name, queue)
    return queue
  }

  async value(): Promise<StoredValue> {
    throw new Error('not in these tests')
  }

  get open(): number {
    return this.#open.size
  }

  /** What a new process would find there, in bytes as they were written. */
  contents(name: string): Buffer[] {
    return (this.#kept.get(name) ?? []).filter(({ isSettled }) => !isSettled).map(({ bytes }) => bytes)
  }

  /** Whatever has the queues open has died. */
  crash(): void {
    for (const queue of this.#open.values()) queue.isDead = true
    this.#open.clear()
  }

  /** As a storage does that is taken out of the configuration. */
  async stop(): Promise<void> {
    for (const queue of this.#open.values()) await queue.close()
  }

  fill(isBroken: boolean): void {
    this.isBroken = isBroken
    for (const queue of this.#open.values()) queue.wake()
  }

  damage(name: string, index: number): void {
    const record = this.#kept.get(name)?.filter(({ isSettled }) => !isSettled)[index]
    record?.bytes.fill(0xff, 0, 8)
  }
}

class FakeQueue implements StoredQueue {
  isDead = false
  isClosed = false
  readonly #storage: FakeStorage
  readonly #kept: Kept[]
  readonly #close: () => void
  readonly #watchers = new Set<() => void>()
  #isReading = false
  #misses = 0

  constructor(storage: FakeStorage, kept: Kept[], close: () => void) {
    this.#storage = storage
    this.#kept = kept
    this.#close = close
  }

  get records(): number {
    return this.#left.length
  }

  get items(): number {
    return this.#left.reduce((sum, { items }) => sum + items, 0)
  }

  get bytes(): number {
    return this.#left.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  get capacity(): number {
    return this.#storage.maxSize
  }

  get unread(): number {
    return this.#left.filter(({ isRead }) => !isRead).length
  }

  get #left(): Kept[] {
    return this.#kept.filter(({ isSettled }) => !isSettled)
  }

  full(bytes: number): Refused | undefined {
    if (bytes > this.#storage.maxSize) return new Refused('too large', { code: 'invalid_argument', retry: 'never' })
    return this.#storage.isBroken || this.bytes + bytes > this.#storage.maxSize ? away() : undefined
  }

  onRoom(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  wake(): void {
    for (const watcher of this.#watchers) watcher()
  }

  async append(record: readonly Buffer[], items: number): Promise<StoredKey> {
    const bytes = Buffer.concat(record)
    await this.#storage.sync()
    if (this.isDead) return new Promise(() => {})
    const refused = this.full(bytes.length)
    if (refused) throw refused
    const key = (this.#kept.at(-1)?.key ?? 0) + 1
    this.#kept.push({ key, items, bytes, isSettled: false, isRead: false })
    return key
  }

  claim(key: StoredKey): boolean {
    const [oldest] = this.#left.filter(({ isRead }) => !isRead)
    if (oldest?.key !== key) return false
    oldest.isRead = true
    return true
  }

  async next(room: (bytes: number) => Slab | Promise<Slab>): Promise<ReadRecord | undefined> {
    if (this.#isReading) throw new Error('two calls of next at a time')
    this.#isReading = true
    try {
      const oldest = this.#left.find(({ isRead }) => !isRead)
      if (oldest === undefined || this.isClosed) {
        if (this.#misses++ > MOST_MISSES) throw new Error('somebody reads what is not there, again and again')
        return undefined
      }
      this.#misses = 0
      const slab = await room(oldest.bytes.length)
      if (this.isDead) return await new Promise(() => {})
      oldest.bytes.copy(slab.buffer)
      oldest.isRead = true
      return { key: oldest.key, items: oldest.items, slab, length: oldest.bytes.length }
    } finally {
      this.#isReading = false
    }
  }

  settle(key: StoredKey): void {
    const kept = this.#find(key)
    if (kept.isSettled) throw new Error(`record ${key} was settled twice`)
    kept.isSettled = true
    this.wake()
  }

  giveBack(key: StoredKey): void {
    this.#find(key).isRead = false
  }

  async close(): Promise<void> {
    this.isClosed = true
    if (!this.isDead) this.#close()
  }

  #find(key: StoredKey): Kept {
    if (this.isDead) return { key, items: 0, bytes: Buffer.alloc(0), isSettled: false, isRead: false }
    const kept = this.#kept.find((each) => each.key === key)
    if (kept === undefined) throw new Error(`there is no record ${key}`)
    return kept
  }
}

/** `test_storage`: offers `storage` under every id. */
export const testStorage = (storage: Storage = new FakeStorage()) =>
  defineExtension({
    type: 'test_storage',
    summary: 'Keeps queues, for tests.',
    stability: { extension: 'development' },
    config: Options({}),
    offers: () => [Storage],
    create: () => ({ offers: [offer(Storage, storage)] }),
  })
