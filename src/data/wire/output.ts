import type { Arena } from './arena.ts'
import { varintSize, writeVarint } from './write.ts'

const FIRST_RANGES = 256
/** A list that grew beyond this many ranges (2 MiB) is not kept. */
const MOST_KEPT = 256 * 1024
const NOWHERE = -1

/**
 * What will be written, as a list of ranges of the arena in order, in which neighbours become one: bytes that nothing
 * changed are copied in large pieces. A place can be kept free for what is only known later, above all the header of a
 * message that holds what follows.
 */
export class Output {
  readonly #arena: Arena
  #ranges = new Int32Array(FIRST_RANGES * 2)
  #length = 0
  /** Bytes in all ranges. */
  size = 0

  constructor(arena: Arena) {
    this.#arena = arena
    this.clear()
  }

  clear(): void {
    if (this.#ranges.length > MOST_KEPT * 2) this.#ranges = new Int32Array(FIRST_RANGES * 2)
    this.#length = 0
    this.size = 0
    this.reserve()
  }

  push(start: number, end: number): void {
    if (start === end) return
    const length = this.#length
    this.size += end - start
    if (this.#ranges[length - 1] === start) {
      this.#ranges[length - 1] = end
      return
    }
    if (length === this.#ranges.length) this.#grow()
    this.#ranges[length] = start
    this.#ranges[length + 1] = end
    this.#length = length + 2
  }

  /** Keeps a place free; returns it for `fill`, `close` or `cut`. */
  reserve(): number {
    const place = this.#length
    if (place === this.#ranges.length) this.#grow()
    this.#ranges[place] = NOWHERE
    this.#ranges[place + 1] = NOWHERE
    this.#length = place + 2
    return place
  }

  fill(place: number, start: number, end: number): void {
    this.#ranges[place] = start
    this.#ranges[place + 1] = end
    this.size += end - start
  }

  /** Fills `place` with the header of an embedded message that holds all that came since, when `size` was `before`. */
  close(place: number, tag: number, before: number): void {
    const arena = this.#arena
    const length = this.size - before
    const start = arena.reserve(varintSize(tag) + varintSize(length))
    const buffer = arena.buffer
    this.fill(place, start, writeVarint(buffer, writeVarint(buffer, start, tag), length))
  }

  /** Forgets `place` and what came since, when `size` was `before`. */
  cut(place: number, before: number): void {
    this.#length = place
    this.size = before
  }

  /** Writes the ranges to the end of the arena; returns where they begin there. */
  write(): number {
    const arena = this.#arena
    const start = arena.reserve(this.size)
    const ranges = this.#ranges
    let at = start
    for (let index = 0; index < this.#length; index += 2) at = arena.copy(at, ranges[index]!, ranges[index + 1]!)
    return start
  }

  #grow(): void {
    const larger = new Int32Array(this.#ranges.length * 2)
    larger.set(this.#ranges)
    this.#ranges = larger
  }
}
