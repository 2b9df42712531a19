import { Slab } from '../memory/slab.ts'
import { varintSize, writeVarint } from '../wire/write.ts'
import type { JsonField } from './table.ts'

/** The wire bytes of a request: the first `length` bytes of `slab`. */
export interface Wire {
  readonly slab: Slab
  readonly length: number
}

/** Room for a tag and a number, or a tag and a length. */
export const HEAD = 20

const NOTHING = Buffer.alloc(0)
const NO_SLAB = new Slab(NOTHING)

/**
 * The wire as it is written while JSON is read, in one slab that is exchanged for one of twice the size when it is full.
 *
 * That ends soon, because the wire is less than five times as long as its JSON: a list of numbers takes two bytes an
 * element at least (`0,`), and the wire eight for each that is fixed, or ten as a varint in three (`-1,`); everything else
 * is shorter on the wire, or nearly so.
 */
export class WireOutput {
  buffer: Buffer = NOTHING
  view: DataView = viewOf(NOTHING)
  /** Where what is written next begins, and how far there is room. */
  to = 0
  room = 0
  #slab: Slab = NO_SLAB
  #reserve: (bytes: number) => Slab = () => NO_SLAB

  begin(bytes: number, reserve: (bytes: number) => Slab): void {
    this.#reserve = reserve
    this.to = 0
    this.#into(reserve(bytes + HEAD))
  }

  /** What was written, whose slab is the caller's from now on. */
  finish(): Wire {
    const wire = { slab: this.#slab, length: this.to }
    this.#into(NO_SLAB)
    return wire
  }

  /** Forgets what was written. */
  drop(): void {
    this.#slab.release()
    this.#into(NO_SLAB)
  }

  /** Writes the tag of a field, with room behind it for a number or a length; returns where it ends. */
  head(field: JsonField): number {
    this.reach(HEAD)
    const { tag } = field
    if (tag < 0x80) {
      this.buffer[this.to] = tag
      return this.to + 1
    }
    return writeVarint(this.buffer, this.to, tag)
  }

  /** Puts the length before what was written from `start` on, where `room` bytes are free; returns how many it took. */
  close(start: number, room: number): number {
    const length = this.to - start
    const size = varintSize(length)
    if (size !== room) {
      this.reach(HEAD)
      this.buffer.copyWithin(start + size - room, start, this.to)
      this.to += size - room
    }
    writeVarint(this.buffer, start - room, length)
    return size
  }

  /** 64 bits as a varint, given as two halves, signed or not. There is room for it. */
  varint(low: number, high: number): void {
    const { buffer } = this
    let { to } = this
    low >>>= 0
    high >>>= 0
    while (high !== 0) {
      buffer[to++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.to = writeVarint(buffer, to, low)
  }

  /** Takes out what was written from `start` to `end`. */
  cut(start: number, end: number): void {
    this.buffer.copyWithin(start, end, this.to)
    this.to -= end - start
  }

  /** Makes sure of room for `bytes` more. */
  reach(bytes: number): void {
    if (this.to + bytes > this.room) this.grow(bytes)
  }

  grow(bytes: number): void {
    const larger = this.#reserve(Math.max(this.room * 2, this.to + bytes))
    this.buffer.copy(larger.buffer, 0, 0, this.to)
    this.#slab.release()
    this.#into(larger)
  }

  #into(slab: Slab): void {
    this.#slab = slab
    this.buffer = slab.buffer
    this.view = viewOf(slab.buffer)
    this.room = slab.capacity
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}
