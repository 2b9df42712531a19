/** A name in a message, and where what follows it begins. */
export interface ReadName {
  readonly name: string
  readonly next: number
}

/** Of a name with all its labels and their lengths (RFC 1035 2.3.4). */
const NAME_BYTES_MAX = 255
/** A pointer leads backwards, so that there is no circle; a message could still be made of nothing but pointers. */
const POINTERS_MAX = 32
const POINTER = 0xc0

/**
 * Reads the name at `at` in the message that lies in `bytes` from `start` to `end`, compressed or not (RFC 1035 4.1.4): `example.com`, `.` for the
 * root. What is not printable is written as `\DDD`, as in zone files. Undefined where it is no name.
 */
export function readName(bytes: Buffer, start: number, at: number, end: number): ReadName | undefined {
  let name = ''
  let next = -1
  let read = 0
  let pointers = 0
  let here = at
  for (;;) {
    if (here >= end) return undefined
    const length = bytes[here]!
    if (length === 0) return { name: name === '' ? '.' : name, next: next < 0 ? here + 1 : next }
    if (length >= POINTER) {
      const target = pointed(bytes, start, here, end)
      if (target === undefined || ++pointers > POINTERS_MAX) return undefined
      if (next < 0) next = here + 2
      here = target
      continue
    }
    read += length + 1
    if (length > 63 || read >= NAME_BYTES_MAX || here + 1 + length > end) return undefined
    name = name === '' ? label(bytes, here + 1, length) : `${name}.${label(bytes, here + 1, length)}`
    here += length + 1
  }
}

/** Where what follows the name at `at` begins, without reading it; undefined where it is no name. */
export function skipName(bytes: Buffer, at: number, end: number): number | undefined {
  let here = at
  while (here < end && here - at < NAME_BYTES_MAX) {
    const length = bytes[here]!
    if (length === 0) return here + 1
    if (length >= POINTER) return here + 2
    if (length > 63) return undefined
    here += length + 1
  }
  return undefined
}

function pointed(bytes: Buffer, start: number, here: number, end: number): number | undefined {
  if (here + 2 > end) return undefined
  const target = start + ((bytes[here]! & 0x3f) << 8) + bytes[here + 1]!
  return target < here ? target : undefined
}

const PLAIN = /^[a-zA-Z0-9_-]+$/

function label(bytes: Buffer, at: number, length: number): string {
  const text = bytes.toString('latin1', at, at + length)
  return PLAIN.test(text) ? text : Array.from(text, escaped).join('')
}

function escaped(character: string): string {
  if (character === '.' || character === '\\' || character === '"') return `\\${character}`
  const code = character.charCodeAt(0)
  return code < 0x21 || code > 0x7e ? `\\${String(code).padStart(3, '0')}` : character
}
