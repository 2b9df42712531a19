/** Texts longer than this are made anew each time. */
const LONGEST = 256
/** Places of the table: a power of two. */
const PLACES = 2048

/**
 * The same string for the same bytes: most hosts, paths and agents come again and again, and comparing bytes costs less than making a string.
 * Bounded: a place holds one text, the last. A byte is a character (latin1).
 */
export class Interner {
  readonly #texts: string[] = Array.from({ length: PLACES }, () => '')

  text(bytes: Buffer, from: number, to: number): string {
    const length = to - from
    if (length <= 0) return ''
    if (length > LONGEST) return bytes.toString('latin1', from, to)
    let hash = length
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1)
    const known = this.#texts[place]!
    if (known.length === length && isText(known, bytes, from)) return known
    const made = bytes.toString('latin1', from, to)
    this.#texts[place] = made
    return made
  }
}

function isText(text: string, bytes: Buffer, from: number): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== bytes[from + index]) return false
  return true
}
