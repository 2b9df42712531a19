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

/** Places are signed 32-bit numbers. */
const MOST_BYTES = 2 ** 31 - 1

/**
 * Checks the structure of a whole export request and returns the number of its items, as `count` does. Throws
 * `Malformed` where a value reaches past its message, a known field has another wire type than it should (numbers of
 * a repeated field may be packed or not), an id is neither empty nor of its length, messages are nested too deep, a
 * varint has more than ten bytes, the request or a length is 2 GiB or more, or a group, a field number zero or an unknown wire type
 * stands anywhere; of profiles also where an index points at nothing, or the first entry of a table is not empty.
 *
 * What passes can be edited, merged and split, and one sender's bytes do not spoil another's. Unknown fields, repeated
 * singular fields, non-minimal varints and strings that are not UTF-8 pass, as they do in other implementations.
 */
export function validate(signal: Signal, buffer: Buffer): number {
  if (buffer.length > MOST_BYTES) throw new Malformed('a request of 2 GiB or more', 0)
  walk(buffer, REQUEST_TYPES[signal])
  if (signal === 'profiles') checkReferences(buffer)
  return items
}

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

/** An attribute here has room for its value below it. */
const DEEPEST_ATTRIBUTE = DEEPEST - 1

const NAMES = Object.keys(MESSAGES) as MessageName[]
const typeOf = (name: MessageName): number => NAMES.indexOf(name)
const REQUEST_TYPES = {
  traces: typeOf(REQUESTS.traces.request),
  metrics: typeOf(REQUESTS.metrics.request),
  logs: typeOf(REQUESTS.logs.request),
  profiles: typeOf(REQUESTS.profiles.request),
}
const METRIC = typeOf('Metric')
const ANY = typeOf('AnyValue')
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

/**
 * What a field asks for whose tag has one byte, or two of which the second is 1, at `type << TAG_BITS | first byte`. Nearly
 * every field is done with after one look at this table. From `EMBEDDED` on the type of an embedded message is added.
 */
const GENERAL = 0
const EIGHT_BYTES = 1
const NUMBER = 2
const FOUR_BYTES = 3
const TEXT = 4
const ATTRIBUTE = 5
const TRACE_ID = 6
const SPAN_ID = 7
const ANY_VALUE = 8
const EMBEDDED = 16

const TAG_BITS = 8
const ACTIONS = new Uint8Array(NAMES.length << TAG_BITS)
for (const name of NAMES) {
  for (const field of MESSAGES[name].fields) {
    const rule = ruleOf(field)
    const wireType = rule >= MESSAGE ? LENGTH : WIRE_TYPE_OF_RULE[rule]!
    const tag = (field.number << 3) | wireType
    if (tag < 1 << TAG_BITS) ACTIONS[(typeOf(name) << TAG_BITS) | tag] = actionOf(rule)
  }
}

function actionOf(rule: number): number {
  if (rule === KEY_VALUE_RULE) return ATTRIBUTE
  if (rule === MESSAGE + ANY) return ANY_VALUE
  if (rule >= MESSAGE) return EMBEDDED + rule - MESSAGE
  return [GENERAL, NUMBER, EIGHT_BYTES, FOUR_BYTES, TEXT, TRACE_ID, SPAN_ID, GENERAL, NUMBER, EIGHT_BYTES][rule]!
}

/** Items met so far. */
let items = 0
/** Of the metric at hand (none stands in another): the tag of the data met last, and the items before it. */
let kind = 0
let itemsBefore = 0

/** Where the messages end that the one at hand stands in, and their types, by depth. */
const ends = new Int32Array(DEEPEST + 1)
const types = new Int32Array(DEEPEST + 1)

/**
 * One loop over all fields at all depths. It calls nothing but for what is seldom, so that the compiler keeps what it works
 * on in registers; `| 0` tells it that places are small integers, which it would keep as doubles (a third slower).
 */
function walk(buffer: Buffer, request: number): void {
  items = 0
  let depth = 1
  let type = request
  let at = 0
  let end = buffer.length | 0
  for (;;) {
    if (at === end) {
      if (depth === 1) return
      depth--
      end = ends[depth]!
      type = types[depth]!
      continue
    }
    let tag = buffer[at]!
    let action = GENERAL
    let value = at + 1
    if (value < end) {
      action = ACTIONS[(type << TAG_BITS) | tag]!
      if (tag >= 0x80 && (buffer[value++] !== 1 || value === end)) action = GENERAL
    }
    if (action === ATTRIBUTE && depth < DEEPEST_ATTRIBUTE) {
      const after = afterPlain(buffer, tag, at, end)
      if (after !== at) {
        at = after
        continue
      }
    }
    let next: number
    if (action === EIGHT_BYTES) next = value + 8
    else if (action === NUMBER) next = buffer[value]! < 0x80 ? value + 1 : skip(buffer, value, end, VARINT) | 0
    else if (action === FOUR_BYTES) next = value + 4
    else {
      let inner = action - EMBEDDED
      if (action === GENERAL) {
        inner = general(buffer, type, at, end) | 0
        tag = met.tag
        value = met.value | 0
        next = met.next | 0
      } else {
        let length = buffer[value++]!
        if (length >= 0x80) {
          if (value < end && buffer[value]! < 0x80) length = (length & 0x7f) | (buffer[value++]! << 7)
          else {
            length = readLength(buffer, value - 1, end) | 0
            value = cursor.at | 0
          }
        }
        next = (value + length) | 0
        if (next <= end) {
          if (action === ATTRIBUTE) inner = KEY_VALUE
          else if (action === ANY_VALUE) inner = depth < DEEPEST && isPlainText(buffer, value, next) ? -1 : ANY
          else if (action === TRACE_ID) {
            if (length !== 16 && length !== 0) throw wrongId('trace', length, value)
          } else if (action === SPAN_ID && length !== 8 && length !== 0) throw wrongId('span', length, value)
        } else inner = -1
      }
      if (inner >= 0) {
        if (depth === DEEPEST) throw new Malformed(`messages nested more than ${DEEPEST} deep`, value)
        countIn(type, tag, inner)
        ends[depth] = end
        types[depth] = type
        depth++
        type = inner
        end = next
        at = value
        continue
      }
    }
    if (next > end) throw new Malformed('a value beyond the end of what encloses it', at)
    at = next
  }
}

/** Counts a message of type `inner` that stands in one of type `outer`. */
function countIn(outer: number, tag: number, inner: number): void {
  if (IS_ITEM[inner] === 1) items++
  else if (inner === METRIC) {
    kind = 0
    itemsBefore = items
  } else if (outer === METRIC && holdsPoints(tag >>> 3)) {
    // Of a oneof that was written more than once the last member counts; the same member again adds to it.
    if (tag !== kind) items = itemsBefore
    kind = tag
  }
}

/** What `general` has met: tag, where the value begins, where it ends. */
const met = { tag: 0, value: 0, next: 0 }

/**
 * Checks the field at `at`, which may be any; leaves what it met in `met`. Returns the type of an embedded message, inside of which it does
 * not look; less than 0 for all else.
 */
function general(buffer: Buffer, type: number, at: number, end: number): number {
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

/** Whether bytes are an AnyValue with a string of less than 16 KiB and nothing else, as most bodies are. */
function isPlainText(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < 3 || buffer[start] !== 0x0a) return false
  const low = buffer[start + 1]!
  if (low < 0x80) return start + 2 + low === end
  const high = buffer[start + 2]!
  return high < 0x80 && start + 3 + ((low & 0x7f) | (high << 7)) === end
}

/**
 * Where the first field behind `at` begins that is no attribute as every encoder writes it: a key and a value, together shorter than
 * 128 bytes, the value a string, bool, int, double or nothing. Most of all telemetry is that, and stands in rows: checked in a few reads.
 */
function afterPlain(buffer: Buffer, tag: number, start: number, end: number): number {
  let at = start
  // The shortest that is tried has an empty key and nothing as value.
  while (end - at >= 6 && buffer[at] === tag) {
    const length = buffer[at + 1]!
    const next = at + 2 + length
    // Lengths from 128 on have their high bit set, and so are found to miss the end, or reach past it.
    if (length >= 0x80 || length < 4 || next > end || buffer[at + 2] !== 0x0a) return at
    const valueTag = at + 4 + buffer[at + 3]!
    if (valueTag + 1 >= next || buffer[valueTag] !== 0x12) return at
    const value = valueTag + 2
    if (value + buffer[valueTag + 1]! !== next) return at
    if (value !== next) {
      const kind = buffer[value]!
      const content = value + 1
      if (kind === 0x0a) {
        if (content === next || content + 1 + buffer[content]! !== next) return at
      } else if (kind === 0x18) {
        if (!isOneVarint(buffer, content, next)) return at
      } else if (kind === 0x21) {
        if (content + 8 !== next) return at
      } else if (kind !== 0x10 || content + 1 !== next || buffer[content]! >= 0x80) return at
    }
    at = next
  }
  return at
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

const wrongId = (what: string, length: number, at: number): Malformed =>
  new Malformed(`a ${what} id of ${length} bytes`, at)
