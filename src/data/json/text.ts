import { BACKSLASH, HEXADECIMAL, QUOTE, SMALL_U, SPACE } from './ascii.ts'
import { MalformedJson } from './malformed-json.ts'

/** Where the last read ended, whether the string that it read ended there too, and whether the last string had escapes. */
export const cursor = { at: 0, isClosed: false, hasEscapes: false }

/** The most bytes that one escape becomes. */
const LARGEST_ESCAPE = 4

/**
 * Copies the string whose contents begin at `at` to `to`, its escapes resolved; returns where the copy ends. Stops in the
 * middle where `room` is reached, which is said by `cursor.isClosed`, and is to be called again from `cursor.at`. Bytes
 * that are not UTF-8 are copied as they are, as the Collector does.
 */
export function copyText(json: Buffer, at: number, out: Buffer, to: number, room: number): number {
  const end = json.length
  for (;;) {
    const limit = Math.min(end, at + room - to)
    while (at < limit) {
      const byte = json[at]!
      if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) break
      out[to++] = byte
      at++
    }
    if (at === end) throw new MalformedJson('breaks off in a string', at)
    const byte = json[at]!
    if (at < limit && byte === QUOTE) {
      cursor.isClosed = true
      cursor.at = at + 1
      return to
    }
    if (room - to < LARGEST_ESCAPE || at === limit) {
      cursor.isClosed = false
      cursor.at = at
      return to
    }
    if (byte !== BACKSLASH) throw new MalformedJson(`has the control character ${byte} in a string`, at)
    to = copyEscape(json, at, out, to)
    at = cursor.at
  }
}

/**
 * The end of the string whose contents begin at `at`: where its closing quote stands. Checks it as `copyText` does, and
 * leaves in `cursor.hasEscapes` whether it has any.
 */
export function endOfText(json: Buffer, at: number): number {
  cursor.hasEscapes = false
  for (;;) {
    const byte = json[at]
    if (byte === QUOTE) return at
    if (byte === undefined) throw new MalformedJson('breaks off in a string', at)
    if (byte < SPACE) throw new MalformedJson(`has the control character ${byte} in a string`, at)
    if (byte === BACKSLASH) {
      cursor.hasEscapes = true
      copyEscape(json, at, ignored, 0)
      at = cursor.at
    } else at++
  }
}

const ignored = Buffer.alloc(LARGEST_ESCAPE)

/** What stands behind a backslash, and the byte that it means. */
const ESCAPES = new Uint8Array(256)
for (const [escape, meant] of Object.entries({
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}))
  ESCAPES[escape.charCodeAt(0)] = meant.charCodeAt(0)

/** Resolves the escape at `at`; of surrogates both halves, or U+FFFD for one without the other. Leaves its end in `cursor.at`. */
function copyEscape(json: Buffer, at: number, out: Buffer, to: number): number {
  const letter = json[at + 1]
  if (letter !== SMALL_U) {
    const byte = letter === undefined ? 0 : ESCAPES[letter]!
    if (byte === 0) throw new MalformedJson('has an escape in a string that JSON does not know', at)
    out[to] = byte
    cursor.at = at + 2
    return to + 1
  }
  let code = unitAt(json, at)
  cursor.at = at + 6
  if (code >= 0xd800 && code < 0xe000) {
    const isPair = code < 0xdc00 && json[at + 6] === BACKSLASH && json[at + 7] === SMALL_U
    const low = isPair ? unitAt(json, at + 6) : 0
    if (low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
      cursor.at = at + 12
    } else code = 0xfffd
  }
  return writeCodePoint(out, to, code)
}

/** The four hexadecimal digits of the escape at `at`. */
function unitAt(json: Buffer, at: number): number {
  let code = 0
  for (let index = at + 2; index < at + 6; index++) {
    const digit = HEXADECIMAL[json[index] ?? 0]!
    if (digit === 255) throw new MalformedJson('has an escape in a string that JSON does not know', at)
    code = code * 16 + digit
  }
  return code
}

function writeCodePoint(out: Buffer, to: number, code: number): number {
  if (code < 0x80) {
    out[to++] = code
    return to
  }
  if (code < 0x800) out[to++] = 0xc0 | (code >> 6)
  else {
    if (code < 0x10000) out[to++] = 0xe0 | (code >> 12)
    else {
      out[to++] = 0xf0 | (code >> 18)
      out[to++] = 0x80 | ((code >> 12) & 0x3f)
    }
    out[to++] = 0x80 | ((code >> 6) & 0x3f)
  }
  out[to++] = 0x80 | (code & 0x3f)
  return to
}
