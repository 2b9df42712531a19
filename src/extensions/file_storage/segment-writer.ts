import { dirname } from 'node:path'
import { Refused } from '../../plugin.ts'
import type { StoredKey } from '../../plugin.ts'
import { checksumOf } from './checksum.ts'
import type { Disk } from './disk.ts'
import { codeOf, writeAll } from './files.ts'
import type { File } from './files.ts'
import type { Ledger } from './ledger.ts'
import { encodeEnd, encodeHead, encodeHeader, HEAD_BYTES, HEADER_BYTES } from './segment-format.ts'
import type { Totals } from './segment-format.ts'
import { emptySegment, segmentPath } from './segment.ts'
import type { Place, Segment } from './segment.ts'

/** The most that goes to the disk with one fsync. */
const GROUP_BYTES = 32 * 1024 * 1024
const GROUP_RECORDS = 512
/** Names that are tried where a segment that could not be removed has the one that is due. */
const MAX_NAMES = 16

interface Append {
  readonly record: readonly Buffer[]
  readonly items: number
  readonly length: number
  readonly resolve: (key: StoredKey) => void
  readonly reject: (refused: Refused) => void
}

interface Active {
  readonly segment: Segment
  readonly file: File
  /** What was ever appended to it. */
  readonly held: Totals
}

interface SegmentWriterOptions {
  readonly folder: string
  readonly salt: Buffer
  readonly segmentBytes: number
  readonly ledger: Ledger
  readonly disk: Disk
  /** Records that have become durable, in order. */
  readonly onAppended: (place: Place) => void
  /** A segment is closed, and may be ready to be removed. */
  readonly onSealed: () => void
}

/** What one record occupies in a file. */
export const sizeOnDisk = (bytes: number): number => bytes + HEADER_BYTES

/** Appends records to the newest segment: what comes while a group is on its way to the disk goes there together afterwards. */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions
  #active: Active | undefined
  #pending: Append[] = []
  #pendingBytes = 0
  #busy = false
  #retiring = false
  readonly #idle: (() => void)[] = []

  constructor(options: SegmentWriterOptions) {
    this.#options = options
  }

  /** Bytes on disk that were promised and not written. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  append(record: readonly Buffer[], length: number, items: number): Promise<StoredKey> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ record, items, length, resolve, reject })
      this.#pendingBytes += sizeOnDisk(length)
      this.#run()
    })
  }

  /** Closes the segment that is being written, if nothing of it is wanted any more. */
  retire(): void {
    if (this.idleBytes === 0) return
    this.#retiring = true
    this.#run()
  }

  /** Bytes of the segment that is being written, where all of it is settled. */
  get idleBytes(): number {
    const { segment, held } = this.#active ?? {}
    return segment?.unsettled === 0 && held && held.records > 0 ? segment.size : 0
  }

  async close(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await this.#seal()
  }

  #run(): void {
    if (this.#busy) return
    this.#busy = true
    void this.#work()
  }

  async #work(): Promise<void> {
    // Appends of one turn go together.
    await Promise.resolve()
    while (this.#pending.length > 0 || this.#retiring) {
      let group: Append[] = []
      try {
        if (this.#retiring) await this.#retire()
        const [first] = this.#pending
        if (!first) continue
        const active = await this.#roomFor(first)
        group = this.#group(active)
        await this.#write(active, group)
      } catch (error) {
        await this.#fail(error, group)
      }
    }
    this.#busy = false
    for (const tell of this.#idle.splice(0)) tell()
  }

  async #retire(): Promise<void> {
    this.#retiring = false
    if (this.idleBytes > 0) await this.#seal()
  }

  /** The segment that takes `append`. */
  async #roomFor({ length }: Append): Promise<Active> {
    const { segmentBytes } = this.#options
    const full = this.#active && this.#active.segment.end + sizeOnDisk(length) > segmentBytes
    if (full && this.#active?.segment.end !== HEAD_BYTES) await this.#seal()
    return (this.#active ??= await this.#begin())
  }

  async #begin(): Promise<Active> {
    const { folder, salt, ledger, disk } = this.#options
    for (let tried = 0; ; tried++) {
      const path = segmentPath(folder, ledger.nextKey)
      let file: File
      try {
        file = await disk.open(path, 'wx')
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || tried === MAX_NAMES) throw error
        ledger.settled.add(ledger.nextKey++)
        continue
      }
      const segment = emptySegment(path, ledger.nextKey, salt)
      const active = { segment, file, held: { records: 0, items: 0, bytes: 0 } }
      try {
        await writeAll(file, [encodeHead(segment.firstKey, salt)], 0)
        await disk.syncFolder(dirname(path))
      } catch (error) {
        await this.#abandon(active)
        throw error
      }
      this.#grow(segment, HEAD_BYTES)
      ledger.segments.push(segment)
      return active
    }
  }

  #group({ segment }: Active): Append[] {
    const { segmentBytes } = this.#options
    let bytes = 0
    let count = 0
    for (const { length } of this.#pending) {
      const more = bytes + sizeOnDisk(length)
      if (count > 0 && (count === GROUP_RECORDS || more > GROUP_BYTES || segment.end + more > segmentBytes)) break
      bytes = more
      count++
    }
    this.#pendingBytes -= bytes
    this.#options.disk.take(bytes)
    return this.#pending.splice(0, count)
  }

  async #write({ segment, file, held }: Active, group: readonly Append[]): Promise<void> {
    const { ledger, disk, onAppended } = this.#options
    const row: Buffer[] = []
    const places: Place[] = []
    let at = segment.end
    for (const [index, { record, items, length }] of group.entries()) {
      const written = { key: ledger.nextKey + index, items, length, checksum: checksumOf(record) }
      row.push(encodeHeader(segment.salt, at, written), ...record)
      places.push({ ...written, segment, at: at + HEADER_BYTES })
      at += sizeOnDisk(length)
    }
    await writeAll(file, row, segment.end)
    await disk.sync(file)
    segment.size += at - segment.end
    segment.end = at
    for (const [index, place] of places.entries()) {
      held.records++
      held.items += place.items
      held.bytes += place.length
      ledger.append(place)
      onAppended(place)
      ;(group[index] as Append).resolve(place.key)
    }
  }

  /** What was under way is refused. After a failed fsync nobody knows what the pages hold: nothing is appended to that segment again. */
  async #fail(error: unknown, group: readonly Append[]): Promise<void> {
    const { disk } = this.#options
    const refused = disk.fail(error, 'appending a record')
    disk.give(group.reduce((sum, { length }) => sum + sizeOnDisk(length), 0))
    const active = this.#active
    this.#active = undefined
    if (active) await this.#abandon(active)
    const waiting = this.#pending.splice(0)
    this.#pendingBytes = 0
    for (const { reject } of [...group, ...waiting]) reject(copyOf(refused))
    disk.countRefused('disk', group.length + waiting.length)
  }

  /** Cuts off what was not durable. Where that fails too, it is tried again; a start knows it by the first key of the next segment. */
  async #abandon({ segment, file, held }: Active): Promise<void> {
    const { disk, ledger, onSealed } = this.#options
    const { log, files } = disk.options
    segment.sealed = true
    try {
      if (held.records > 0) await file.truncate(segment.end)
      else {
        await files.remove(segment.path)
        const index = ledger.segments.indexOf(segment)
        if (index >= 0) {
          ledger.segments.splice(index, 1)
          disk.give(segment.size)
        }
      }
    } catch (error) {
      segment.hasTail = true
      log.debug({ path: segment.path, error: String(error) }, 'What could not be appended could not be cut off either')
    }
    await file.close().catch((error: unknown) => {
      log.debug({ path: segment.path, error: String(error) }, 'A segment did not close well')
    })
    onSealed()
  }

  /** Writes down what the segment holds, so that a start need not look. */
  async #seal(): Promise<void> {
    const active = this.#active
    if (!active) return
    this.#active = undefined
    const { segment, file, held } = active
    if (held.records === 0) return this.#abandon(active)
    const { disk } = this.#options
    try {
      const end = encodeEnd(segment.salt, segment.end, segment.endKey, held)
      await writeAll(file, [end], segment.end)
      await disk.sync(file)
      this.#grow(segment, end.length)
    } catch (error) {
      // The records are safe; without this a start reads their headers.
      disk.fail(error, 'closing a segment')
      await file.truncate(segment.end).catch((reason: unknown) => {
        disk.options.log.debug(
          { path: segment.path, error: String(reason) },
          'The end of a segment could not be cut off',
        )
      })
    }
    segment.sealed = true
    await file.close()
    this.#options.onSealed()
  }

  #grow(segment: Segment, bytes: number): void {
    segment.size += bytes
    this.#options.disk.take(bytes)
  }
}

/** A refusal is told its component by whoever gets it. */
const copyOf = ({ message, code, retry, cause }: Refused): Refused => new Refused(message, { code, retry, cause })
