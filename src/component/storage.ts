import { Capability } from './capability.ts'
import type { Slab } from '../data/memory/slab.ts'
import type { Refused } from './refused.ts'

/**
 * Where components keep what must outlive the process: an extension offers it (`file_storage`), and an option names the
 * extension (`sending_queue::storage`). Names are the user's own, `<kind>/<id>/<purpose>`: `exporter/otlp_http/backup/traces`;
 * each is one queue or one value, and has one user at a time.
 */
export interface Storage {
  /**
   * Opens a queue as it was left, by a process that ended in whatever way. Rejects where it is open already, or cannot be read at all.
   * `onLost` is told of records that were damaged, while the queue is opened and later; whoever owns the data counts its loss.
   */
  queue(name: string, onLost?: OnRecordsLost): Promise<StoredQueue>
  /** Opens a value. */
  value(name: string): Promise<StoredValue>
}

export const Storage = new Capability<Storage>('storage')

export type OnRecordsLost = (lost: LostRecords) => void

export interface LostRecords {
  readonly records: number
  /** As far as they are known: 0 where the damage hid them. A report may bring items alone, of records that were reported before. */
  readonly items: number
  /** A word, for a metric. */
  readonly reason: string
  /** A sentence, for the log. */
  readonly message: string
}

/** Records in the order in which they were appended. What was appended is there until it is settled. */
export interface StoredQueue {
  /** Records that are not settled, with those that have been read. */
  readonly records: number
  /** The same in items, as `append` was told. */
  readonly items: number
  /** The same in bytes of their contents. */
  readonly bytes: number
  /** Records that nobody has got yet: neither by `next` nor by `claim`. */
  readonly unread: number
  /** Whether it has been closed, by its user or since the storage stops: nothing can be read or written, and what is there stays. */
  readonly isClosed: boolean
  /** The most bytes that may be kept, with what others keep in the same place. */
  readonly capacity: number
  /** Why a record of `bytes` would find no room now: size cap, full or read-only disk. Permanent where none of that size ever will. */
  full(bytes: number): Refused | undefined
  /** Calls `watcher` after room was made or the disk has recovered; returns how to stop it. */
  onRoom(watcher: () => void): () => void
  /**
   * Writes a record; the buffers are borrowed until it settles. Resolves when it is as safe as the storage makes it (fsync, together
   * with what was appended meanwhile). Rejects with a `Refused` where it could not be written; it will not be read then.
   */
  append(record: readonly Buffer[], items: number): Promise<StoredKey>
  /** Takes a record, whose bytes the caller still has, as if `next` had returned it. False where older ones are unread: it comes by `next` in its turn. */
  claim(key: StoredKey): boolean
  /**
   * The oldest record that nobody has got; undefined where there is none. `room` gives the memory to read it into, and may wait.
   * Damaged records are counted, reported and passed over. One call at a time.
   */
  next(room: (bytes: number) => Slab | Promise<Slab>): Promise<ReadRecord | undefined>
  /** It was delivered, or its loss was counted: it may be deleted. */
  settle(key: StoredKey): void
  /** Read or claimed and not settled: `next` returns it again, in its turn. */
  giveBack(key: StoredKey): void
  /** Writes down what is settled and lets go. What is not settled stays for whoever opens it next. */
  close(): Promise<void>
}

/** Names a record of one queue while it is open: its number, counted from the first that was ever appended. */
export type StoredKey = number

export interface ReadRecord {
  readonly key: StoredKey
  readonly items: number
  /** The caller's: the record is its first `length` bytes. */
  readonly slab: Slab
  readonly length: number
}

/** A few bytes that are replaced as a whole: file offsets, the state of a window. After a crash it is the old or the new one, never a mixture. */
export interface StoredValue {
  /** What was written last; undefined where nothing was, or nothing of it is sound (reported). */
  read(): Promise<Buffer | undefined>
  /** Resolves when it is as safe as the storage makes it. Rejects with a `Refused`; the old value then stays. */
  write(value: Uint8Array): Promise<void>
  close(): Promise<void>
}
