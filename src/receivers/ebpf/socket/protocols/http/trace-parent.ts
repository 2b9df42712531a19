import type { TraceParent } from './message.ts'

const DASH = 0x2d
const LENGTH = 55
const TRACE = 3
const PARENT = 36
const FLAGS = 53

/**
 * The header `traceparent` (https://www.w3.org/TR/trace-context-2/#traceparent-header) between `from` and `to`: undefined where it is not just what
 * is allowed. A later version may have more behind a dash.
 */
export function parseTraceParent(bytes: Buffer, from: number, to: number): TraceParent | undefined {
  const length = to - from
  if (length < LENGTH || bytes[from + 2] !== DASH || bytes[from + 35] !== DASH || bytes[from + 52] !== DASH) return
  const version = hexadecimal(bytes, from)
  if (version < 0 || version === 0xff) return
  if (version === 0 ? length > LENGTH : length > LENGTH && bytes[from + LENGTH] !== DASH) return
  const flags = hexadecimal(bytes, from + FLAGS)
  if (flags < 0 || !isIdentifier(bytes, from + TRACE, from + 35)) return
  if (!isIdentifier(bytes, from + PARENT, from + PARENT + 16)) return
  // One call for both: each costs more than all of the above.
  const text = bytes.toString('latin1', from + TRACE, from + PARENT + 16)
  return { traceId: text.slice(0, 32), parentId: text.slice(PARENT - TRACE), flags }
}

/** Lower-case digits, not all of them 0. */
function isIdentifier(bytes: Buffer, from: number, to: number): boolean {
  let all = 0
  for (let at = from; at < to; at++) all |= DIGITS[bytes[at]!]!
  return all !== 0 && all < NO_DIGIT
}

/** Of two bytes; -1 where one is no lower-case digit. */
function hexadecimal(bytes: Buffer, at: number): number {
  const high = DIGITS[bytes[at]!]!
  const low = DIGITS[bytes[at + 1]!]!
  return (high | low) < NO_DIGIT ? high * 16 + low : -1
}

const NO_DIGIT = 16
/** What each byte is as a lower-case digit. */
const DIGITS = new Uint8Array(256).fill(NO_DIGIT)
for (let digit = 0; digit < NO_DIGIT; digit++) DIGITS[digit.toString(16).charCodeAt(0)] = digit
