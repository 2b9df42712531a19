import { Malformed } from '../wire/malformed.ts'
import { type Field, MESSAGES, type MessageName, WIRE_TYPES } from '../wire/schema.ts'
import { cursor, FIXED32, FIXED64, LENGTH, readLength, readTag, skip, VARINT } from '../wire/varint.ts'

export const NAMES = Object.keys(MESSAGES) as MessageName[]
export const typeOf = (name: MessageName): number => NAMES.indexOf(name)

/**
 * What is known of a field: how its value must be written. From `MESSAGE` on the type of an embedded message is
 * added.
 */
const UNKNOWN = 0
const A_VARINT = 1
const A_FIXED64 = 2
const A_FIXED32 = 3
const A_STRING = 4
const A_TRACE_ID = 5
const A_SPAN_ID = 6
const A_PROFILE_ID = 7
const VARINTS = 8
const FIXED64S = 9
export const MESSAGE = 16

/** The wire type that each rule below `MESSAGE` asks for; 255 for unknown fields, which may have any. */
export const WIRE_TYPE_OF_RULE = Uint8Array.of(
  255,
  VARINT,
  FIXED64,
  FIXED32,
  LENGTH,
  LENGTH,
  LENGTH,
  LENGTH,
  VARINT,
  FIXED64,
)

/** Field numbers in use fit into this many bits. */
const FIELD_BITS = 5
const FIELDS = 1 << FIELD_BITS

/** The rule of a field at `type << FIELD_BITS | field`. */
const RULES = new Uint8Array(NAMES.length << FIELD_BITS)
for (const name of NAMES) {
  for (const field of MESSAGES[name].fields) RULES[(typeOf(name) << FIELD_BITS) | field.number] = ruleOf(field)
}

export function ruleOf(field: Field): number {
  if (field.message !== undefined) return MESSAGE + typeOf(field.message)
  const scalar = field.scalar!
  if (scalar === 'trace_id') return A_TRACE_ID
  if (scalar === 'span_id') return A_SPAN_ID
  if (scalar === 'profile_id') return A_PROFILE_ID
  switch (WIRE_TYPES[scalar]) {
    case VARINT:
      return field.repeated ? VARINTS : A_VARINT
    case FIXED64:
      return field.repeated ? FIXED64S : A_FIXED64
    case FIXED32:
      return A_FIXED32
    case LENGTH:
      return A_STRING
  }
}

/** What `general` has met: tag, where the value begins, where it ends. */
export const met = { tag: 0, value: 0, next: 0 }

/**
 * Checks the field at `at`, which may be any; leaves what it met in `met`. Returns the type of an embedded message, inside of which it does
 * not look; less than 0 for all else.
 */
export function general(buffer: Buffer, type: number, at: number, end: number): number {
  const tag = readTag(buffer, at, end)
  met.tag = tag
  met.value = cursor.at
  const rule = tag >>> 3 < FIELDS ? RULES[(type << FIELD_BITS) | (tag >>> 3)]! : UNKNOWN
  if ((tag & 7) !== LENGTH) {
    if (rule !== UNKNOWN && (rule >= MESSAGE || WIRE_TYPE_OF_RULE[rule] !== (tag & 7))) throw otherWireType(at)
    met.next = skip(buffer, cursor.at, end, tag)
    return -1
  }
  const length = readLength(buffer, cursor.at, end)
  met.value = cursor.at
  met.next = cursor.at + length
  if (rule >= MESSAGE) return rule - MESSAGE
  if (rule !== A_STRING && rule !== UNKNOWN) checkBytes(buffer, rule, met.value, met.next)
  return -1
}

function checkBytes(buffer: Buffer, rule: number, start: number, end: number): void {
  const length = end - start
  switch (rule) {
    case A_TRACE_ID:
      if (length !== 16 && length !== 0) throw wrongId('trace', length, start)
      return
    case A_SPAN_ID:
      if (length !== 8 && length !== 0) throw wrongId('span', length, start)
      return
    case A_PROFILE_ID:
      if (length !== 16 && length !== 0) throw wrongId('profile', length, start)
      return
    case FIXED64S:
      if (length % 8 !== 0) throw new Malformed('packed numbers of 8 bytes that do not fill their length', start)
      return
    case VARINTS:
      for (let at = start; at < end;) at = skip(buffer, at, end, VARINT)
      return
    default:
      throw otherWireType(start)
  }
}

function otherWireType(at: number): Malformed {
  return new Malformed('a known field with another wire type', at)
}

export const wrongId = (what: string, length: number, at: number): Malformed =>
  new Malformed(`a ${what} id of ${length} bytes`, at)
