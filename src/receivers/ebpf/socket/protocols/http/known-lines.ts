import { viewOf } from '../../view-of.ts'

/** Places of the table: a power of two. */
const PLACES = 512
const WORD = 8
/** Words of a place: all but the last from the line's beginning on, and its last eight bytes. */
const WORDS = 16
export const KNOWN_BYTES_MOST = WORD * WORDS
/** Bytes by which a line's place is found: these, and where as much follows, twice as many. */
export const KNOWN_BYTES_LEAST = 12
/** Lines that were looked for at a place and were not there, in a row, before another takes it: most that come once do not come again. */
const MISSES_MOST = 3

const CR = 0x0d
const LF = 0x0a

/**
 * What lines say, by their bytes: clients and servers say the same again and again, and comparing eight bytes at a time costs a third of
 * finding where a line ends, and nothing is left to be understood. Bounded: a place holds one line.
 */
export class KnownLines<S> {
  /** Of the line that was looked for last: what it says, where it was found. */
  said: S | undefined
  #place = 0
  /**
   * Compared as numbers: two that are equal have the same bytes, but for 0 and -0, and what is no number is equal to none. Neither is ever in
   * here, as lines are only of what can be printed.
   */
  readonly #words = new Float64Array(PLACES * WORDS)
  readonly #lengths = new Uint8Array(PLACES)
  readonly #says: (S | undefined)[] = Array.from({ length: PLACES }, () => undefined)
  readonly #misses = new Uint8Array(PLACES)

  /** The length of the line that begins at `at`, with its end; 0 where it is not known. */
  find(bytes: Buffer, at: number, to: number): number {
    if (to - at < KNOWN_BYTES_LEAST) {
      this.#place = -1
      return 0
    }
    const view = viewOf(bytes)
    const place = placeOf(view, at, to)
    this.#place = place
    const length = this.#lengths[place]!
    if (length === 0 || at + length > to || !this.#isSame(view, at, length, place * WORDS)) return 0
    this.#misses[place] = 0
    this.said = this.#says[place]
    return length
  }

  /** What the line says that was not found just now, and ends before `end`. */
  learn(bytes: Buffer, at: number, end: number, said: S | undefined): void {
    const place = this.#place
    if (place < 0 || this.#misses[place]!++ < MISSES_MOST) return
    this.#misses[place] = 0
    const length = end - at
    if (length < KNOWN_BYTES_LEAST || length > KNOWN_BYTES_MOST || !isPlain(bytes, at, end)) return
    const view = viewOf(bytes)
    const last = end - WORD
    let word = place * WORDS
    this.#words[word + WORDS - 1] = view.getFloat64(last, true)
    for (let from = at; from < last; from += WORD) this.#words[word++] = view.getFloat64(from, true)
    this.#lengths[place] = length
    this.#says[place] = said
  }

  #isSame(view: DataView, at: number, length: number, word: number): boolean {
    const words = this.#words
    const last = at + length - WORD
    if (view.getFloat64(last, true) !== words[word + WORDS - 1]) return false
    for (let from = at; from < last; from += WORD) if (view.getFloat64(from, true) !== words[word++]) return false
    return true
  }
}

function placeOf(view: DataView, at: number, to: number): number {
  let hash =
    Math.imul(view.getInt32(at, true), 0x9e37_79b1) +
    Math.imul(view.getInt32(at + 4, true), 0x85eb_ca77) +
    Math.imul(view.getInt32(at + 8, true), 0xc2b2_ae3d)
  if (at + 2 * KNOWN_BYTES_LEAST <= to)
    hash +=
      Math.imul(view.getInt32(at + 12, true), 0x27d4_eb2f) +
      Math.imul(view.getInt32(at + 16, true), 0x1656_67b1) +
      Math.imul(view.getInt32(at + 20, true), 0x2545_f491)
  return ((hash ^ (hash >>> 15)) >>> 3) & (PLACES - 1)
}

/** Of letters, digits and signs, ended by CR and LF: where such a line ends, nobody can be in doubt. */
function isPlain(bytes: Buffer, from: number, end: number): boolean {
  if (bytes[end - 1] !== LF || bytes[end - 2] !== CR) return false
  for (let at = from; at < end - 2; at++) if (bytes[at]! < 0x20 || bytes[at]! > 0x7e) return false
  return true
}
