import { type Dictionary, setDictionary } from './dictionary.ts'

const SMALLEST = 64 * 1024
/** A larger buffer is not kept for the next user: one giant batch must not hold its memory for ever. */
const LARGEST_KEPT = 16 * 1024 * 1024
const MOST_KEPT = 2
/** Tapes hold offsets as signed 32-bit numbers. */
const MOST_BYTES = 2 ** 31 - 1
/** Up to this many bytes a loop is faster than a call into native code. */
const SHORT = 12

const EMPTY = Buffer.alloc(0)
const idle: Buffer[] = []

/**
 * A buffer in which bytes are gathered one after another: the segments of a batch, then whatever is made from them.
 * Places in it are offsets, which stay valid while it grows; `buffer` does not.
 */
export class Arena {
  buffer: Buffer = EMPTY
  /** Bytes in use; what is written next begins here. */
  used = 0
  /** Where a program's constant bytes begin. */
  constants = 0
  /** Of the profiles that the buffer holds: what indices in them point at. */
  #dictionary: Dictionary | undefined

  /** Takes a buffer with room for `bytes`; `close` gives it back. */
  open(bytes: number): void {
    const kept = idle.pop()
    if (kept !== undefined && kept.length >= bytes) this.buffer = kept
    else this.buffer = Buffer.allocUnsafeSlow(Math.max(SMALLEST, roundedUp(bytes)))
    this.used = 0
  }

  get dictionary(): Dictionary | undefined {
    return this.#dictionary
  }

  set dictionary(dictionary: Dictionary | undefined) {
    this.#dictionary = dictionary
    setDictionary(this.buffer, dictionary)
  }

  get isOpen(): boolean {
    return this.buffer !== EMPTY
  }

  /** Looks at `buffer` itself, without a copy. Nothing may be written then. */
  over(buffer: Buffer): void {
    this.buffer = buffer
    this.used = buffer.length
  }

  close(): void {
    if (this.#dictionary !== undefined) this.dictionary = undefined
    const buffer = this.buffer
    this.buffer = EMPTY
    this.used = 0
    if (buffer.length <= LARGEST_KEPT && idle.length < MOST_KEPT) idle.push(buffer)
  }

  /** Appends a copy of `bytes`; returns where it begins. */
  load(bytes: Uint8Array): number {
    const start = this.reserve(bytes.length)
    this.buffer.set(bytes, start)
    return start
  }

  /** Makes `bytes` more part of what is used; returns where they begin. Their contents are arbitrary. */
  reserve(bytes: number): number {
    const start = this.used
    this.used = start + bytes
    if (this.used > this.buffer.length) this.#grow(start)
    return start
  }

  /** Copies `[start, end)`, which lies in the arena, to `to`; returns where the copy ends. */
  copy(to: number, start: number, end: number): number {
    const buffer = this.buffer
    const length = end - start
    if (length <= SHORT) while (start < end) buffer[to++] = buffer[start++]!
    else {
      buffer.copyWithin(to, start, end)
      to += length
    }
    return to
  }

  #grow(filled: number): void {
    if (this.used > MOST_BYTES) throw new RangeError('a batch and its changes take more than 2 GiB')
    const larger = Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, roundedUp(this.used)))
    this.buffer.copy(larger, 0, 0, filled)
    this.buffer = larger
    if (this.#dictionary !== undefined) setDictionary(larger, this.#dictionary)
  }
}

function roundedUp(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes + 1))
}
