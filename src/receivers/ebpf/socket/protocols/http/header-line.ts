const COLON = 0x3a
const SPACE = 0x20
const TAB = 0x09
const CR = 0x0d

/** Whether the line that begins at `at` has this name, given in lower case. */
export function isNamed(bytes: Buffer, at: number, end: number, name: string): boolean {
  const { length } = name
  if (at + length >= end || bytes[at + length] !== COLON) return false
  for (let index = 0; index < length; index++) if (lower(bytes[at + index]!) !== name.charCodeAt(index)) return false
  return true
}

/** Where a value begins, without the blanks before it; `end` is the line's feed. */
export function valueStart(bytes: Buffer, at: number, end: number): number {
  while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++
  return at
}

/** Where it ends, without what follows it. */
export function valueEnd(bytes: Buffer, start: number, end: number): number {
  while (end > start && isBlank(bytes[end - 1]!)) end--
  return end
}

/** A length (digits alone); -1 where it is none, or more than anybody could send. */
export function lengthValue(bytes: Buffer, from: number, to: number): number {
  if (to - from > LENGTH_DIGITS_MOST || to <= from) return -1
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** Whether a value ends with this word, given in lower case: the last coding is the one that frames. */
export function endsWith(bytes: Buffer, from: number, to: number, word: string): boolean {
  const start = to - word.length
  if (start < from) return false
  for (let index = 0; index < word.length; index++)
    if (lower(bytes[start + index]!) !== word.charCodeAt(index)) return false
  return true
}

const LENGTH_DIGITS_MOST = 15

const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB || byte === CR
const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)
