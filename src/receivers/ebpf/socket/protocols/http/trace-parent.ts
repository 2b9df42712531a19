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
  const version = hexadecimal(bytes, from, from + 2)
  if (version < 0 || version === 0xff) return
  if (version === 0 ? length > LENGTH : length > LENGTH && bytes[from + LENGTH] !== DASH) return
  const flags = hexadecimal(bytes, from + FLAGS, from + LENGTH)
  if (flags < 0 || !isIdentifier(bytes, from + TRACE, from + 35)) return
  if (!isIdentifier(bytes, from + PARENT, from + PARENT + 16)) return
  // One call for both: each costs more than all of the above.
  const text = bytes.toString('latin1', from + TRACE, from + PARENT + 16)
  return { traceId: text.slice(0, 32), parentId: text.slice(PARENT - TRACE), flags }
}

/** Lower-case digits, not all of them 0. */
function isIdentifier(bytes: Buffer, from: number, to: number): boolean {
  let any = 0
  for (let at = from; at < to; at++) {
    const digit = digitOf(bytes[at]!)
    if (digit < 0) return false
    any |= digit
  }
  return any !== 0
}

/** -1 where one is no lower-case digit. */
function hexadecimal(bytes: Buffer, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = digitOf(bytes[at]!)
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1
}
