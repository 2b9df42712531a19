import { HEXADECIMAL } from './ascii.ts'

/** Returned where text is not what it should be. */
export const NONE = -1
const PADDING = 0x3d
const MOST_PADDING = 2

/** What a letter of base64 means, in either alphabet, by its byte; 255 where it is none. */
const BASE64 = new Uint8Array(256).fill(255)
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
for (const [index, letter] of Array.from(LETTERS).entries()) BASE64[letter.charCodeAt(0)] = index
BASE64['-'.charCodeAt(0)] = 62
BASE64['_'.charCodeAt(0)] = 63

/** Writes the bytes that the hexadecimal digits `[start, end)` stand for; returns where they end, or `NONE`. */
export function writeHex(text: Buffer, start: number, end: number, out: Buffer, to: number): number {
  if ((end - start) % 2 !== 0) return NONE
  for (let at = start; at < end; at += 2) {
    const upper = HEXADECIMAL[text[at]!]!
    const lower = HEXADECIMAL[text[at + 1]!]!
    if ((upper | lower) > 15) return NONE
    out[to++] = (upper << 4) | lower
  }
  return to
}

/**
 * Writes the bytes that the base64 `[start, end)` stands for; returns where they end, or `NONE`. Takes both alphabets, and
 * padding that is whole or left out.
 */
export function writeBase64(text: Buffer, start: number, end: number, out: Buffer, to: number): number {
  let last = end
  while (last > start && end - last < MOST_PADDING && text[last - 1] === PADDING) last--
  if ((last - start) % 4 === 1 || (last < end && (end - start) % 4 !== 0)) return NONE
  let bits = 0
  let held = 0
  for (let at = start; at < last; at++) {
    const letter = BASE64[text[at]!]!
    if (letter === 255) return NONE
    bits = ((bits << 6) | letter) & 0xffffff
    held += 6
    if (held >= 8) {
      held -= 8
      out[to++] = (bits >> held) & 0xff
    }
  }
  return to
}
