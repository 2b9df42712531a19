import type { Signal } from '../signal.ts'
import { Malformed } from '../wire/malformed.ts'
import { type Field, MESSAGES, type MessageName, REQUESTS, WIRE_TYPES } from '../wire/schema.ts'
import { cursor, FIXED32, FIXED64, LENGTH, readLength, readTag, skip, VARINT } from '../wire/varint.ts'
import { holdsPoints } from './count.ts'
import { checkReferences } from './profiles/check-references.ts'

/**
 * Messages may stand this deep in one another; the request itself is the first. Decoders elsewhere stop at 100 to
 * 10,000.
 */
export const DEEPEST = 128

/**
 * Checks the structure of a whole export request and returns the number of its items, as `count` does. Throws
 * `Malformed` where a value reaches past its message, a known field has another wire type than it should (numbers of
 * a repeated field may be packed or not), an id is neither empty nor of its length, messages are nested too deep, a
 * varint has more than ten bytes, a length is 2 GiB or more, or a group, a field number zero or an unknown wire type
 * stands anywhere; of profiles also where an index points at nothing, or the first entry of a table is not empty.
 *
 * What passes can be edited, merged and split, and one sender's bytes do not spoil another's. Unknown fields, repeated
 * singular fields, non-minimal varints and strings that are not UTF-8 pass, as they do in other implementations.
 */
export function validate(signal: Signal, buffer: Buffer): number {
  items = 0
  message(buffer, REQUEST_TYPES[signal], 0, buffer.length, 1)
  if (signal === 'profiles') checkReferences(buffer)
  return items
}

/** Items met so far by the call under way. */
let items = 0

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
const MESSAGE = 16

/** The wire type that each rule below `MESSAGE` asks for; 255 for unknown fields, which may have any. */
const WIRE_TYPE_OF_RULE = Uint8Array.of(255, VARINT, FIXED64, FIXED32, LENGTH, LENGTH, LENGTH, LENGTH, VARINT, FIXED64)

const NAMES = Object.keys(MESSAGES) as MessageName[]
const typeOf = (name: MessageName): number => NAMES.indexOf(name)
const REQUEST_TYPES = {
  traces: typeOf(REQUESTS.traces.request),
  metrics: typeOf(REQUESTS.metrics.request),
  logs: typeOf(REQUESTS.logs.request),
  profiles: typeOf(REQUESTS.profiles.request),
}
const METRIC = typeOf('Metric')
const KEY_VALUE = typeOf('KeyValue')
const KEY_VALUE_RULE = MESSAGE + KEY_VALUE

/** Field numbers in use fit into this many bits. */
const FIELD_BITS = 5
const FIELDS = 1 << FIELD_BITS

/** The rule of a field at `type << FIELD_BITS | field`. */
const RULES = new Uint8Array(NAMES.length << FIELD_BITS)
for (const name of NAMES) {
  for (const field of MESSAGES[name].fields) RULES[(typeOf(name) << FIELD_BITS) | field.number] = ruleOf(field)
}

const IS_ITEM = new Uint8Array(NAMES.length)
for (const { items } of Object.values(REQUESTS)) for (const name of items) IS_ITEM[typeOf(name)] = 1

function ruleOf(field: Field): number {
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

function message(buffer: Buffer, type: number, start: number, end: number, depth: number): void {
  if (depth > DEEPEST) throw new Malformed(`messages nested more than ${DEEPEST} deep`, start)
  const itemsBefore = items
  const isShallow = depth < DEEPEST - 1
  let kind = 0
  for (let at = start; at < end;) {
    // Tags of one byte, with the rule for them, are all there is in most messages.
    let tag = buffer[at]!
    let value = at + 1
    let rule = UNKNOWN
    if (tag < 0x80 && tag > 7) rule = RULES[(type << FIELD_BITS) | (tag >>> 3)]!
    else {
      tag = readTag(buffer, at, end)
      value = cursor.at
      if (tag >>> 3 < FIELDS) rule = RULES[(type << FIELD_BITS) | (tag >>> 3)]!
    }
    if ((tag & 7) !== LENGTH) {
      if (rule === A_FIXED64 && (tag & 7) === FIXED64 && value + 8 <= end) at = value + 8
      else {
        if (rule !== UNKNOWN && (rule >= MESSAGE || WIRE_TYPE_OF_RULE[rule] !== (tag & 7))) throw otherWireType(at)
        at = skip(buffer, value, end, tag)
      }
      continue
    }
    let length = value < end ? buffer[value]! : 0x80
    if (length < 0x80 && length < end - value) value++
    else {
      length = readLength(buffer, value, end)
      value = cursor.at
    }
    at = value + length
    if (rule === KEY_VALUE_RULE) {
      if (!isShallow || !isPlainKeyValue(buffer, value, at)) message(buffer, KEY_VALUE, value, at, depth + 1)
    } else if (rule >= MESSAGE) {
      const inner = rule - MESSAGE
      if (IS_ITEM[inner] === 1) items++
      else if (type === METRIC && holdsPoints(tag >>> 3)) {
        // Of a oneof that was written more than once the last member counts; the same member again adds to it.
        if (tag !== kind) items = itemsBefore
        kind = tag
      }
      message(buffer, inner, value, at, depth + 1)
    } else if (rule !== A_STRING && rule !== UNKNOWN) checkBytes(buffer, rule, value, at)
  }
}

/**
 * Whether bytes are a key and a value as every encoder writes them, both shorter than 128 bytes, the value a string,
 * bool, int, double or nothing: most of all telemetry, checked in a few reads. Others take the general way.
 */
function isPlainKeyValue(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < 4 || buffer[start] !== 0x0a) return false
  const valueTag = start + 2 + buffer[start + 1]!
  if (valueTag + 1 >= end || buffer[valueTag] !== 0x12) return false
  const value = valueTag + 2
  // Lengths from 128 on have their high bit set, and so are found to miss the end, or reach past it.
  if (value + buffer[valueTag + 1]! !== end || end - value >= 0x80 || value - start >= 0x84) return false
  if (value === end) return true
  const content = value + 1
  switch (buffer[value]) {
    case 0x0a:
      return content < end && end === content + 1 + buffer[content]!
    case 0x10:
      return content + 1 === end && buffer[content]! < 0x80
    case 0x18:
      return isOneVarint(buffer, content, end)
    case 0x21:
      return content + 8 === end
    default:
      return false
  }
}

function isOneVarint(buffer: Buffer, start: number, end: number): boolean {
  const last = end - 1
  if (last < start || end - start > 10 || buffer[last]! >= 0x80) return false
  for (let at = start; at < last; at++) if (buffer[at]! < 0x80) return false
  return true
}

function checkBytes(buffer: Buffer, rule: number, start: number, end: number): void {
  const length = end - start
  switch (rule) {
    case A_TRACE_ID:
      if (length !== 16 && length !== 0) throw new Malformed(`a trace id of ${length} bytes`, start)
      return
    case A_SPAN_ID:
      if (length !== 8 && length !== 0) throw new Malformed(`a span id of ${length} bytes`, start)
      return
    case A_PROFILE_ID:
      if (length !== 16 && length !== 0) throw new Malformed(`a profile id of ${length} bytes`, start)
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
