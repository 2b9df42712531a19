import type { TraceParent } from './message.ts'

const CR = 0x0d
const LF = 0x0a
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
  if (flags < 0 || !readWords(bytes, from + TRACE, 0, 4) || !readWords(bytes, from + PARENT, 4, 6)) return
  return {
    traceId: [WORDS[0]!, WORDS[1]!, WORDS[2]!, WORDS[3]!],
    parentId: [WORDS[4]!, WORDS[5]!],
    flags,
  }
}

const NAME = 'traceparent: '
/** Bytes of the line as it is mostly written, with CR and LF. */
export const TRACE_PARENT_LINE = NAME.length + LENGTH + 2

/** Of the line that begins at `at`: undefined where it is any other, or is written in any other way. Its first letter was looked at. */
export function traceParentLine(bytes: Buffer, at: number, to: number): TraceParent | undefined {
  const end = at + TRACE_PARENT_LINE
  if (end > to || bytes[end - 2] !== CR || bytes[end - 1] !== LF) return
  for (let index = 1; index < NAME.length; index++) if (bytes[at + index] !== NAME.charCodeAt(index)) return
  return parseTraceParent(bytes, at + NAME.length, end - 2)
}

/** Words of eight lower-case digits, not all of them 0. */
function readWords(bytes: Buffer, from: number, first: number, end: number): boolean {
  let all = 0
  for (let word = first; word < end; word++) {
    let value = 0
    for (const stop = from + 8; from < stop; from++) {
      const digit = DIGITS[bytes[from]!]!
      all |= digit
      value = (value << 4) | digit
    }
    WORDS[word] = value
  }
  return all !== 0 && all < NO_DIGIT
}

/** Of two bytes; -1 where one is no lower-case digit. */
function hexadecimal(bytes: Buffer, at: number): number {
  const high = DIGITS[bytes[at]!]!
  const low = DIGITS[bytes[at + 1]!]!
  return (high | low) < NO_DIGIT ? high * 16 + low : -1
}

/** What was read last: the trace's four, the parent's two. */
const WORDS = new Int32Array(6)

const NO_DIGIT = 16
/** What each byte is as a lower-case digit. */
const DIGITS = new Uint8Array(256).fill(NO_DIGIT)
for (let digit = 0; digit < NO_DIGIT; digit++) DIGITS[digit.toString(16).charCodeAt(0)] = digit
