import { LARGE_E, MINUS, NINE, PLUS, POINT, SMALL_E, ZERO } from './ascii.ts'
import { MalformedJson } from './malformed-json.ts'

const TWO_TO_32 = 2 ** 32
/** Whole numbers of so many digits are exact as doubles. */
const EXACT_DIGITS = 15
/** No more digits than this are in an integer of 64 bits. */
const MOST_DIGITS = 20
/** Powers of ten that are exact as doubles: a number of few digits times or over one of them is rounded once, and so rightly. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))
/** Numbers in strings that are no JSON numbers, as Go's `strconv` reads them. */
const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i
const INFINITE = /^([-+]?)inf(?:inity)?$/i
const NOT_A_NUMBER = /^[-+]?nan$/i
/** Longer strings are no numbers that anybody would write. */
const LONGEST = 1100

/** The 64 bits of the magnitude that was read last, as two unsigned halves, and its sign. */
export const integer = { low: 0, high: 0, isNegative: false }

/** The end of the JSON number at `at`. */
export function endOfNumber(json: Buffer, at: number): number {
  const start = at
  if (json[at] === MINUS) at++
  const first = json[at]
  if (first === ZERO) at++
  else at = pastDigits(json, at, start)
  if (json[at] === POINT) at = pastDigits(json, at + 1, start)
  if (json[at] === SMALL_E || json[at] === LARGE_E) {
    at++
    if (json[at] === PLUS || json[at] === MINUS) at++
    at = pastDigits(json, at, start)
  }
  return at
}

function pastDigits(json: Buffer, at: number, start: number): number {
  const first = at
  let byte = json[at]
  while (byte !== undefined && byte >= ZERO && byte <= NINE) byte = json[++at]
  if (at === first) throw new MalformedJson('is no JSON value', start)
  return at
}

/** Reads the whole number `[start, end)` into `integer`; false where it is none, or takes more than 64 bits. */
export function readInteger(buffer: Buffer, start: number, end: number): boolean {
  const sign = buffer[start]
  const isNegative = sign === MINUS
  let at = isNegative || sign === PLUS ? start + 1 : start
  if (at === end) return false
  const limit = Math.min(end, at + EXACT_DIGITS)
  let value = 0
  for (; at < limit; at++) {
    const digit = buffer[at]! - ZERO
    if (digit < 0 || digit > 9) return readOtherInteger(buffer, start, end)
    value = value * 10 + digit
  }
  if (at < end) return readLongInteger(buffer, start, at, end, value)
  integer.isNegative = isNegative
  integer.low = value >>> 0
  integer.high = value < TWO_TO_32 ? 0 : Math.floor(value / TWO_TO_32)
  return true
}

/** Goes on where `value` has been read of the number, which has more digits than a double is exact for. */
function readLongInteger(buffer: Buffer, start: number, at: number, end: number, value: number): boolean {
  if (end - start > MOST_DIGITS) return readOtherInteger(buffer, start, end)
  // In three pieces of less than 2^53: of what was read the part above 2^16, the rest, and the last digits.
  let rest = 0
  let scale = 1
  for (; at < end; at++) {
    const digit = buffer[at]! - ZERO
    if (digit < 0 || digit > 9) return readOtherInteger(buffer, start, end)
    rest = rest * 10 + digit
    scale *= 10
  }
  const upper = Math.floor(value / 65_536)
  const lower = (value % 65_536) * scale + rest
  const middle = upper * scale + Math.floor(lower / 65_536)
  const high = Math.floor(middle / 65_536)
  if (high >= TWO_TO_32) return false
  integer.isNegative = buffer[start] === MINUS
  integer.low = (middle % 65_536) * 65_536 + (lower % 65_536)
  integer.high = high
  return true
}

/** With a fraction, an exponent, or more digits than it needs: exact all the same. */
function readOtherInteger(buffer: Buffer, start: number, end: number): boolean {
  if (end - start > LONGEST) return false
  const parts = /^([-+]?)(\d+)(?:\.(\d*?)0*)?(?:e([-+]?\d{1,4}))?$/i.exec(buffer.toString('latin1', start, end))
  if (!parts) return false
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  const digits = whole + fraction
  const shift = Number(exponent) - fraction.length
  const kept = shift < 0 ? digits.slice(0, Math.max(0, digits.length + shift)) : digits
  if (shift < 0 && !/^0*$/.test(digits.slice(kept.length))) return false
  const significant = kept.replace(/^0+/, '')
  if (significant === '') return fill(0n, sign === '-')
  if (significant.length + Math.max(0, shift) > MOST_DIGITS) return false
  return fill(BigInt(significant) * 10n ** BigInt(Math.max(0, shift)), sign === '-')
}

function fill(magnitude: bigint, isNegative: boolean): boolean {
  if (magnitude >= 1n << 64n) return false
  integer.low = Number(magnitude & 0xffffffffn)
  integer.high = Number(magnitude >> 32n)
  integer.isNegative = isNegative
  return true
}

/** The double nearest to the JSON number `[start, end)`; infinite where there is none. */
export function readDouble(buffer: Buffer, start: number, end: number): number {
  const isNegative = buffer[start] === MINUS
  let digits = 0
  let value = 0
  let point = -1
  for (let at = isNegative ? start + 1 : start; at < end; at++) {
    const byte = buffer[at]!
    if (byte === POINT) point = at
    else {
      const digit = byte - ZERO
      if (digit < 0 || digit > 9 || digits === EXACT_DIGITS) return Number(buffer.toString('latin1', start, end))
      value = value * 10 + digit
      if (value > 0) digits++
    }
  }
  const decimals = point === -1 ? 0 : end - point - 1
  if (decimals >= POWERS.length) return Number(buffer.toString('latin1', start, end))
  if (decimals > 0) value /= POWERS[decimals]!
  return isNegative ? -value : value
}

/** The double that the text of a string stands for; undefined where it is no number, or beyond the doubles. */
export function readQuotedDouble(buffer: Buffer, start: number, end: number): number | undefined {
  if (end - start > LONGEST) return undefined
  const text = buffer.toString('latin1', start, end)
  if (NOT_A_NUMBER.test(text)) return Number.NaN
  const infinite = INFINITE.exec(text)
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(value) ? value : undefined
}
