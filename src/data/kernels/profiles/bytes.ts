import { varintSize, writeVarint } from '../../wire/write.ts'

const SMALLEST = 16 * 1024
/** A buffer that grew beyond this is not kept for the next use. */
const LARGEST_KEPT = 4 * 1024 * 1024
/** The longest varint of a tag, a length or an index. */
const VARINT_ROOM = 5
/** Up to this many bytes a loop is faster than a call into native code. */
const SHORT = 16
/** Offsets are signed 32-bit numbers elsewhere. */
const MOST_BYTES = 2 ** 31 - 1

/** Bytes that are written one after another, used again and again. */
export class Bytes {
  buffer: Buffer = Buffer.allocUnsafeSlow(SMALLEST)
  at = 0

  clear(): void {
    this.at = 0
    if (this.buffer.length > LARGEST_KEPT) this.buffer = Buffer.allocUnsafeSlow(SMALLEST)
  }

  varint(value: number): void {
    this.#reserve(VARINT_ROOM)
    this.at = writeVarint(this.buffer, this.at, value)
  }

  copy(source: Buffer, start: number, end: number): void {
    const length = end - start
    this.#reserve(length)
    const { buffer } = this
    if (length <= SHORT) {
      let to = this.at
      for (let from = start; from < end; from++) buffer[to++] = source[from]!
    } else source.copy(buffer, this.at, start, end)
    this.at += length
  }

  /**
   * Begins a message with this tag, whose contents will have about `expected` bytes; returns what `close` wants to
   * know: where the contents begin.
   */
  open(tag: number, expected: number): number {
    this.varint(tag)
    this.#reserve(VARINT_ROOM)
    return (this.at += varintSize(expected))
  }

  /** Ends the message whose contents began at `start`, opened with the same `expected`; says where they begin now. */
  close(start: number, expected: number): number {
    const length = this.at - start
    const before = varintSize(expected)
    const needed = varintSize(length)
    let content = start
    if (needed !== before) {
      this.#reserve(VARINT_ROOM)
      content += needed - before
      this.buffer.copyWithin(content, start, this.at)
      this.at += needed - before
    }
    writeVarint(this.buffer, start - before, length)
    return content
  }

  #reserve(bytes: number): void {
    const needed = this.at + bytes
    if (needed <= this.buffer.length) return
    if (needed > MOST_BYTES) throw new RangeError('profiles and their dictionary take more than 2 GiB')
    const larger = Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, Math.max(needed, this.buffer.length * 2)))
    this.buffer.copy(larger, 0, 0, this.at)
    this.buffer = larger
  }
}
