import { Refused } from '../../plugin.ts'
import type { ReadRecord, Slab, StoredKey, StoredQueue, Timer } from '../../plugin.ts'
import { AlternatingFiles } from './alternating-files.ts'
import { encodeCheckpoint, RESERVED_BYTES } from './checkpoint.ts'
import type { Disk } from './disk.ts'
import { isFull, isMissing } from './files.ts'
import type { Ledger, OnLost } from './ledger.ts'
import { RecordReader } from './record-reader.ts'
import { recover } from './recovery.ts'
import { MAX_RECORD_BYTES, SEGMENT_OVERHEAD_BYTES } from './segment-format.ts'
import { SegmentWriter, sizeOnDisk } from './segment-writer.ts'
import type { Place, Segment } from './segment.ts'

/** How often it is written down what is settled. After a crash, what was settled since comes once more. */
const CHECKPOINT_INTERVAL_MS = 1_000
/** The latest records whose places are kept for `claim`. */
const MAX_RECENT = 1_024
/** From this size on a segment of which nothing is wanted is closed and removed, although it has room. */
const IDLE_BYTES = 4 * 1024 * 1024

export interface QueueOptions {
  readonly name: string
  readonly folder: string
  readonly maxBytes: number
  readonly segmentBytes: number
  readonly disk: Disk
  readonly onLost: OnLost
  readonly onClosed: () => void
}

/** A queue in segment files. */
export class SegmentQueue implements StoredQueue {
  readonly #options: QueueOptions
  readonly #salt: Buffer
  readonly #ledger: Ledger
  readonly #checkpoints: AlternatingFiles
  readonly #writer: SegmentWriter
  readonly #reader: RecordReader
  readonly #recent = new Map<StoredKey, Place>()
  readonly #forget: () => void
  #reading = false
  #closed = false
  #timer: Timer | undefined
  #tidying: Promise<void> | undefined
  #tidyAgain = false

  static async open(options: QueueOptions): Promise<SegmentQueue> {
    const { folder, disk, onLost } = options
    const checkpoints = new AlternatingFiles({
      path: `${folder}/checkpoint`,
      disk,
      reserved: RESERVED_BYTES,
      stayOpen: true,
    })
    await disk.makeFolder(folder)
    const { ledger, salt } = await recover(folder, checkpoints, disk, onLost)
    // On a full disk that is no reason not to start.
    await checkpoints.reserve().catch((error: unknown) => disk.fail(error, 'reserving the checkpoints'))
    return new SegmentQueue(options, { ledger, salt, checkpoints })
  }

  private constructor(
    options: QueueOptions,
    { ledger, salt, checkpoints }: { ledger: Ledger; salt: Buffer; checkpoints: AlternatingFiles },
  ) {
    const { folder, segmentBytes, disk } = options
    this.#options = options
    this.#ledger = ledger
    this.#salt = salt
    this.#checkpoints = checkpoints
    this.#reader = new RecordReader(ledger, disk)
    this.#writer = new SegmentWriter({
      folder,
      salt,
      segmentBytes,
      ledger,
      disk,
      onAppended: (place) => this.#remember(place),
      onSealed: () => this.#tidyLater(0),
    })
    this.#forget = disk.onWanted(() => this.#writer.retire())
    this.#tidyLater(0)
  }

  get records(): number {
    return this.#ledger.totals.records
  }

  get items(): number {
    return this.#ledger.totals.items
  }

  get bytes(): number {
    return this.#ledger.totals.bytes
  }

  get unread(): number {
    return this.#ledger.unread
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get capacity(): number {
    return this.#options.maxBytes
  }

  full(bytes: number): Refused | undefined {
    const { name, disk, maxBytes } = this.#options
    const most = Math.min(MAX_RECORD_BYTES, maxBytes - SEGMENT_OVERHEAD_BYTES)
    if (bytes > most)
      return new Refused(`a record of ${bytes} bytes never finds room in ${name}, which takes ${most} at most`, {
        code: 'invalid_argument',
        retry: 'never',
      })
    return disk.refusal(sizeOnDisk(bytes), this.#writer.pendingBytes)
  }

  onRoom(watcher: () => void): () => void {
    return this.#options.disk.onRoom(watcher)
  }

  async append(record: readonly Buffer[], items: number): Promise<StoredKey> {
    if (this.#closed) throw new Refused(`${this.#options.name} is closed`, { code: 'unavailable', retry: {} })
    let length = 0
    for (const each of record) length += each.length
    const refused = this.full(length)
    if (refused) {
      this.#options.disk.countRefused(refused.retryable ? 'full' : 'too_large', 1)
      throw refused
    }
    return this.#writer.append(record, length, items)
  }

  claim(key: StoredKey): boolean {
    const place = this.#recent.get(key)
    this.#recent.delete(key)
    // Only the oldest that nobody has leaves no others between itself and the end.
    if (!place || this.#closed || this.#reading || this.#ledger.unread !== this.#ledger.nextKey - key) return false
    this.#reader.claim(place)
    return true
  }

  async next(room: (bytes: number) => Slab | Promise<Slab>): Promise<ReadRecord | undefined> {
    if (this.#reading) throw new Error(`${this.#options.name} is being read: one call at a time`)
    if (this.#ledger.unread === 0 || this.#closed) return undefined
    this.#reading = true
    try {
      return await this.#reader.next(room, () => this.#closed)
    } finally {
      this.#reading = false
      this.#tidyLater(CHECKPOINT_INTERVAL_MS)
    }
  }

  settle(key: StoredKey): void {
    const segment = this.#ledger.settle(key)
    this.#tidyLater(isDone(segment) ? 0 : CHECKPOINT_INTERVAL_MS)
  }

  giveBack(key: StoredKey): void {
    this.#ledger.giveBack(key)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#forget()
    await this.#writer.close()
    this.#timer?.cancel()
    await this.#tidyNow()
    await this.#reader.close()
    await this.#checkpoints.close()
    this.#options.disk.give(this.#ledger.segments.reduce((sum, { size }) => sum + size, 0))
    this.#options.onClosed()
  }

  #remember(place: Place): void {
    this.#recent.set(place.key, place)
    this.#tidyLater(CHECKPOINT_INTERVAL_MS)
    if (this.#recent.size > MAX_RECENT) this.#recent.delete(this.#recent.keys().next().value as StoredKey)
  }

  #tidyLater(delay: number): void {
    if (this.#closed || (this.#timer && delay > 0)) return
    this.#timer?.cancel()
    this.#timer = this.#options.disk.options.clock.after(delay, () => {
      this.#timer = undefined
      void this.#tidyNow()
    })
  }

  /** Writes down what is settled, and then removes what is settled as a whole. */
  #tidyNow(): Promise<void> {
    this.#tidyAgain = true
    this.#tidying ??= this.#tidy().finally(() => (this.#tidying = undefined))
    return this.#tidying
  }

  async #tidy(): Promise<void> {
    while (this.#tidyAgain) {
      this.#tidyAgain = false
      if (this.#writer.idleBytes >= IDLE_BYTES) this.#writer.retire()
      const done = this.#ledger.segments.filter(isDone)
      // What is removed must be known as settled, or the next start would miss it; on a full disk the room comes first.
      if (!(await this.#writeCheckpoint())) return this.#tidyLater(CHECKPOINT_INTERVAL_MS)
      for (const segment of done) await this.#remove(segment)
      for (const segment of this.#ledger.segments) if (segment.hasTail) await this.#cut(segment)
      if (done.length > 0) await this.#syncFolder()
    }
  }

  /** Whether what is settled may be removed. */
  async #writeCheckpoint(): Promise<boolean> {
    const { nextKey, settled } = this.#ledger
    try {
      await this.#checkpoints.write(encodeCheckpoint({ nextKey, salt: this.#salt, settled }))
      return true
    } catch (error) {
      this.#options.disk.fail(error, 'writing down what is delivered')
      return isFull(error)
    }
  }

  /** Or what was refused would be read after the next start. */
  async #cut(segment: Segment): Promise<void> {
    const { disk } = this.#options
    try {
      const file = await disk.open(segment.path, 'r+')
      try {
        await file.truncate(segment.end)
        await disk.sync(file)
      } finally {
        await file.close()
      }
      segment.hasTail = false
    } catch (error) {
      disk.options.log.debug({ path: segment.path, error: String(error) }, 'What was refused could not be cut off')
      this.#tidyLater(CHECKPOINT_INTERVAL_MS)
    }
  }

  async #remove(segment: Segment): Promise<void> {
    const { disk } = this.#options
    const { segments } = this.#ledger
    try {
      await this.#reader.forget(segment)
      await disk.options.files.remove(segment.path)
    } catch (error) {
      if (!isMissing(error)) return void disk.fail(error, 'removing what is delivered')
    }
    segments.splice(segments.indexOf(segment), 1)
    disk.give(segment.size)
  }

  async #syncFolder(): Promise<void> {
    try {
      await this.#options.disk.syncFolder(this.#options.folder)
    } catch (error) {
      this.#options.disk.fail(error, 'removing what is delivered')
    }
  }
}

const isDone = ({ sealed, unsettled }: Segment): boolean => sealed && unsettled === 0
