import { checksumOf } from './checksum.ts'
import type { Disk } from './disk.ts'
import { isMissing, isUnreadable, readFully, writeAll } from './files.ts'
import type { File } from './files.ts'

/** header = magic(8) version(4) sequence(6) zero(2) length(4) checksum-of-body(4) checksum-of-header(4); numbers little-endian. */
const MAGIC = Buffer.from('TLGNALT\n', 'latin1')
export const ALTERNATING_VERSION = 1
const HEADER_BYTES = 32
const SUFFIXES = ['.a', '.b'] as const

interface Side {
  readonly path: string
  readonly sequence: number
  /** Undefined where the file is missing or not sound. */
  readonly body: Buffer | undefined
  readonly fault: 'missing' | 'damaged' | 'unknown_version' | undefined
}

interface AlternatingOptions {
  /** Without the suffixes of the two. */
  readonly path: string
  readonly disk: Disk
  /** Bytes that each has from the start, so that it can be written over when the disk is full. */
  readonly reserved?: number
  /** The files stay open: nothing can take their descriptors away. */
  readonly stayOpen?: boolean
}

/**
 * A value in two files that are written in turns, each with a number and a checksum: however a write ends, the other file has
 * the value that was there before.
 */
export class AlternatingFiles {
  readonly #options: AlternatingOptions
  readonly #open: (File | undefined)[] = [undefined, undefined]
  #sequence = 0
  /** Which is written next. */
  #next = 0
  #known = false

  constructor(options: AlternatingOptions) {
    this.#options = options
  }

  /** What was written last; undefined where nothing was. Files of a later version are set aside; `damaged` says that there was something, and none of it is sound. */
  async read(): Promise<{ body: Buffer | undefined; damaged: boolean }> {
    const sides = await Promise.all(SUFFIXES.map((suffix) => this.#readSide(`${this.#options.path}${suffix}`)))
    const newest = sides.reduce((best, side, index) => {
      if (side.body === undefined) return best
      const known = sides[best]
      return known?.body === undefined || side.sequence > known.sequence ? index : best
    }, -1)
    for (const { fault, path } of sides) if (fault === 'unknown_version') await this.#options.disk.setAside(path)
    this.#sequence = Math.max(0, ...sides.map(({ sequence }) => sequence))
    this.#next = newest === 0 ? 1 : 0
    this.#known = true
    const body = sides[newest]?.body
    return { body, damaged: body === undefined && sides.some(({ fault }) => fault !== 'missing') }
  }

  /** Makes the files as large as they ever need to be, so that `write` works on a full disk. */
  async reserve(): Promise<void> {
    const { reserved = 0 } = this.#options
    for (const index of [0, 1]) {
      const file = await this.#file(index)
      const { size } = await file.stat()
      if (size < reserved) {
        await writeAll(file, [Buffer.alloc(reserved - size)], size)
        await this.#options.disk.sync(file)
      }
    }
  }

  async write(body: Uint8Array): Promise<void> {
    if (!this.#known) await this.read()
    const index = this.#next
    const header = Buffer.alloc(HEADER_BYTES)
    MAGIC.copy(header)
    header.writeUInt32LE(ALTERNATING_VERSION, 8)
    header.writeUIntLE(++this.#sequence, 12, 6)
    header.writeUInt32LE(body.length, 20)
    header.writeUInt32LE(checksumOf([body]), 24)
    header.writeUInt32LE(checksumOf([header.subarray(0, 28)]), 28)
    try {
      const file = await this.#file(index)
      await writeAll(file, [header, body], 0)
      await this.#options.disk.sync(file)
      this.#next = 1 - index
    } finally {
      if (!this.#options.stayOpen) await this.close()
    }
  }

  async close(): Promise<void> {
    const files = this.#open.splice(0, 2, undefined, undefined)
    for (const file of files) await file?.close()
  }

  async #file(index: number): Promise<File> {
    const known = this.#open[index]
    if (known !== undefined) return known
    const { disk, path } = this.#options
    const file = `${path}${SUFFIXES[index]}`
    const opened = await disk.openOrMake(file)
    this.#open[index] = opened
    return opened
  }

  async #readSide(path: string): Promise<Side> {
    const none = (fault: Side['fault'], sequence = 0): Side => ({ path, sequence, body: undefined, fault })
    let file: File
    try {
      file = await this.#options.disk.open(path, 'r')
    } catch (error) {
      if (isMissing(error)) return none('missing')
      throw error
    }
    try {
      const { size } = await file.stat()
      const header = Buffer.alloc(Math.min(size, HEADER_BYTES))
      await readFully(file, header, 0)
      // Reserved, and never written.
      if (header.every((byte) => byte === 0)) return none('missing')
      if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return none('damaged')
      if (header.readUInt32LE(28) !== checksumOf([header.subarray(0, 28)])) return none('damaged')
      if (header.readUInt32LE(8) !== ALTERNATING_VERSION) return none('unknown_version')
      const sequence = header.readUIntLE(12, 6)
      const length = header.readUInt32LE(20)
      if (length > size - HEADER_BYTES) return none('damaged', sequence)
      const body = Buffer.alloc(length)
      const read = await readFully(file, body, HEADER_BYTES)
      const sound = read === length && checksumOf([body]) === header.readUInt32LE(24)
      return sound ? { path, sequence, body, fault: undefined } : none('damaged', sequence)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      return none('damaged')
    } finally {
      await file.close()
    }
  }
}
