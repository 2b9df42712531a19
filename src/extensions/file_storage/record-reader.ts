import { Refused } from '../../plugin.ts'
import type { ReadRecord, Slab } from '../../plugin.ts'
import type { Disk } from './disk.ts'
import { codeOf, isMissing, isUnreadable } from './files.ts'
import type { File } from './files.ts'
import type { Ledger } from './ledger.ts'
import { MAX_UNREADABLE_PAGES, RecordCursor } from './record-cursor.ts'
import { HEAD_BYTES } from './segment-format.ts'
import type { Place, Segment } from './segment.ts'

/** Read ahead, of small records many at once. */
const WINDOW_BYTES = 256 * 1024
/** Times that the same place may fail to be read before it is given up. */
const MAX_TRIES = 5
const TRY_AGAIN_MS = 1_000

interface Failed {
  readonly position: Position
  readonly endKey: number
  readonly cursor: RecordCursor | undefined
}

interface Position {
  readonly segment: Segment
  offset: number
  /** The key that is due there. */
  key: number
}

/** Reads a queue's records in order: first those that were given back, then what nobody has had. */
export class RecordReader {
  readonly #ledger: Ledger
  readonly #disk: Disk
  #position: Position | undefined
  #open: { readonly segment: Segment; readonly file: File; readonly cursor: RecordCursor } | undefined
  /** Found, and not handed out: its reader found no room. */
  #found: Place | undefined
  #tries = 0
  /** Pages that were passed over since the last record. */
  #unreadable = 0
  #window: Buffer | undefined

  constructor(ledger: Ledger, disk: Disk) {
    this.#ledger = ledger
    this.#disk = disk
  }

  /** Undefined also when it `isClosed` meanwhile: the record then stays. */
  async next(room: (bytes: number) => Slab | Promise<Slab>, isClosed: () => boolean): Promise<ReadRecord | undefined> {
    for (;;) {
      const returned = this.#ledger.returned[0]
      const place = returned ?? (await this.#find(isClosed))
      if (place === undefined) return undefined
      const slab = await room(place.length)
      // Something older may have been given back meanwhile: it comes next.
      let sound = false
      let failure: unknown
      try {
        if (!isClosed()) sound = await this.#read(place, slab.buffer)
      } catch (error) {
        failure = error
      }
      if (failure !== undefined || isClosed()) slab.release()
      if (isClosed()) return undefined
      if (failure !== undefined) {
        this.#failed(failure, place, returned !== undefined)
        continue
      }
      if (returned === undefined) this.#consume(place)
      if (!sound) {
        slab.release()
        this.#ledger.loseRecord(place, 'contents', returned !== undefined)
        continue
      }
      this.#tries = 0
      if (returned === undefined) this.#ledger.take(place)
      else this.#ledger.takeReturned(place)
      return { key: place.key, items: place.items, slab, length: place.length }
    }
  }

  /** Somebody who has the bytes takes `place`, the oldest that nobody has. */
  claim(place: Place): void {
    this.#consume(place)
    this.#ledger.take(place)
  }

  /** A segment is about to be removed. */
  async forget(segment: Segment): Promise<void> {
    if (this.#open?.segment === segment) await this.close()
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.file.close()
  }

  #consume(place: Place): void {
    this.#found = undefined
    this.#position = { segment: place.segment, offset: place.at + place.length, key: place.key + 1 }
  }

  /** The next record that nobody has had. */
  async #find(isClosed: () => boolean): Promise<Place | undefined> {
    if (this.#found) return this.#found
    for (;;) {
      const position = this.#where()
      if (position === undefined) return undefined
      const { segment } = position
      // Both grow while the disk is asked.
      const { end, endKey } = segment
      let header
      let cursor: RecordCursor | undefined
      try {
        cursor = await this.#cursor(segment)
        cursor.offset = position.offset
        cursor.end = end
        header = await cursor.next()
      } catch (error) {
        if (isClosed()) return undefined
        this.#failedSegment(error, { position, endKey, cursor })
        continue
      }
      if (header === undefined || header.key >= endKey) {
        this.#ledger.loseKeys(segment, position.key, endKey, this.#reason())
        this.#position = { segment, offset: end, key: endKey }
        continue
      }
      this.#ledger.loseKeys(segment, position.key, header.key, this.#reason())
      this.#position = { segment, offset: header.at + header.length, key: Math.max(position.key, header.key + 1) }
      if (header.key < position.key || this.#ledger.settled.has(header.key)) continue
      return (this.#found = { ...header, segment })
    }
  }

  #where(): Position | undefined {
    if (this.#position && this.#position.segment.unread.records > 0) return this.#position
    const segment = this.#ledger.segments.find(({ unread }) => unread.records > 0)
    if (segment === undefined) return undefined
    return (this.#position = { segment, offset: HEAD_BYTES, key: segment.firstKey })
  }

  async #cursor(segment: Segment): Promise<RecordCursor> {
    if (this.#open?.segment === segment) return this.#open.cursor
    await this.close()
    const file = await this.#disk.open(segment.path, 'r')
    const cursor = new RecordCursor(file, segment.salt, {
      offset: HEAD_BYTES,
      end: segment.end,
      window: (this.#window ??= Buffer.allocUnsafeSlow(WINDOW_BYTES)),
    })
    this.#open = { segment, file, cursor }
    return cursor
  }

  async #read(place: Place, target: Buffer): Promise<boolean> {
    return (await this.#cursor(place.segment)).read(place, target)
  }

  /** The disk may get over it: whoever reads comes again, some times. */
  #failed(error: unknown, place: Place, returned: boolean): void {
    this.#throwWhileItMayPass(error, place.segment)
    if (!returned) this.#consume(place)
    this.#ledger.loseRecord(place, isMissing(error) ? 'missing' : 'read_error', returned)
  }

  #failedSegment(error: unknown, { position, endKey, cursor }: Failed): void {
    const { segment, key } = position
    if (this.#unreadable === 0) this.#throwWhileItMayPass(error, segment)
    if (cursor && isUnreadable(error) && this.#unreadable++ < MAX_UNREADABLE_PAGES) {
      cursor.skipUnreadable()
      position.offset = cursor.offset
      return
    }
    this.#unreadable = 0
    this.#ledger.loseKeys(segment, key, endKey, isMissing(error) ? 'missing' : 'read_error')
    this.#position = { segment, offset: segment.end, key: endKey }
  }

  /** Why what is due cannot be found. */
  #reason(): 'header' | 'read_error' {
    const reason = this.#unreadable > 0 ? 'read_error' : 'header'
    this.#unreadable = 0
    return reason
  }

  #throwWhileItMayPass(error: unknown, segment: Segment): void {
    const isShortOfDescriptors = codeOf(error) === 'EMFILE' || codeOf(error) === 'ENFILE'
    if (isShortOfDescriptors || (!isMissing(error) && ++this.#tries < MAX_TRIES)) throw refusalOf(error, segment)
    this.#tries = 0
  }
}

const refusalOf = (error: unknown, { path }: Segment): Refused =>
  new Refused(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
    code: 'unavailable',
    retry: { after: TRY_AGAIN_MS },
    cause: error,
  })
