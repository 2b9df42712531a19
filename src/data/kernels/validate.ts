import type { Signal } from '../signal.ts'
import * as key from '../wire/key.ts'
import { Malformed } from '../wire/malformed.ts'
import * as layout from '../wire/message.ts'
import * as noting from '../wire/notes.ts'
import { MESSAGES, REQUESTS } from '../wire/schema.ts'
import { cursor, LENGTH, readLength, skip, VARINT } from '../wire/varint.ts'
import { holdsPoints } from './count.ts'
import { checkReferences } from './profiles/check-references.ts'
import { general, MESSAGE, met, NAMES, ruleOf, typeOf, WIRE_TYPE_OF_RULE, wrongId } from './rules.ts'

// Kept to the module, so that the compiler folds them: see message.ts.
const { ENTRY } = layout
const { notes, RECORD } = noting
const { slotOf } = key
const NOTES = notes.tape

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
 *
 * Leaves in `notes` what steps look for.
 */
export function validate(signal: Signal, buffer: Buffer): number {
  if (buffer.length > MOST_BYTES) throw new Malformed('a request of 2 GiB or more', 0)
  notes.begin()
  if (prepared !== notes.version) prepare()
  walk(buffer, REQUEST_TYPES[signal])
  if (signal === 'profiles') checkReferences(buffer)
  return items
}

/** An attribute here has room for its value below it. */
const DEEPEST_ATTRIBUTE = DEEPEST - 1

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

const IS_ITEM = new Uint8Array(NAMES.length)
for (const { items } of Object.values(REQUESTS)) for (const name of items) IS_ITEM[typeOf(name)] = 1

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
const PLAIN_ACTIONS = new Uint8Array(NAMES.length << TAG_BITS)
for (const name of NAMES) {
  for (const field of MESSAGES[name].fields) {
    const rule = ruleOf(field)
    const wireType = rule >= MESSAGE ? LENGTH : WIRE_TYPE_OF_RULE[rule]!
    const tag = (field.number << 3) | wireType
    if (tag < 1 << TAG_BITS) PLAIN_ACTIONS[(typeOf(name) << TAG_BITS) | tag] = actionOf(rule)
  }
}

function actionOf(rule: number): number {
  if (rule === KEY_VALUE_RULE) return ATTRIBUTE
  if (rule === MESSAGE + ANY) return ANY_VALUE
  if (rule >= MESSAGE) return EMBEDDED + rule - MESSAGE
  return [GENERAL, NUMBER, EIGHT_BYTES, FOUR_BYTES, TEXT, TRACE_ID, SPAN_ID, GENERAL, NUMBER, EIGHT_BYTES][rule]!
}

/** By type and length of key, and by type and slot of key: attributes that are noted, where not 0. Fields that are noted have the action `GENERAL`. */
const LENGTHS = new Uint8Array(NAMES.length << TAG_BITS)
const KEYS = new Uint8Array(NAMES.length << TAG_BITS)
const ACTIONS = Uint8Array.from(PLAIN_ACTIONS)
const IS_NOTED = new Uint8Array(NAMES.length)
let prepared = notes.version

function prepare(): void {
  prepared = notes.version
  ACTIONS.set(PLAIN_ACTIONS)
  for (const table of [LENGTHS, KEYS, IS_NOTED]) table.fill(0)
  for (const [name, { tags, keys, lengths }] of notes.wanted()) {
    const type = typeOf(name)
    IS_NOTED[type] = 1
    LENGTHS.set(lengths, type << TAG_BITS)
    KEYS.set(keys, type << TAG_BITS)
    for (let tag = 0; tag < tags.length; tag++) if (tags[tag] !== 0) ACTIONS[(type << TAG_BITS) | tag] = GENERAL
  }
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
  let noted = 0
  let record = 0
  let depth = 1
  let type = request
  let at = 0
  let end = buffer.length | 0
  for (;;) {
    if (at === end) {
      if (depth === 1) break
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
      const after = afterPlain(buffer, type << TAG_BITS, tag, at, end)
      if (after < 0) {
        // The attribute there is noted.
        at = ~after
        const next = (at + 2 + buffer[at + 1]!) | 0
        noted = note(noted, tag, at, at + 2, next)
        at = next
        continue
      }
      if (after !== at) {
        at = after
        continue
      }
      if (IS_NOTED[type] !== 0) action = GENERAL
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
        if (IS_NOTED[type] !== 0) noted = note(noted, tag, at, value, next)
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
        if (IS_NOTED[type] !== 0 && noted < NOTES.length) {
          record = noted
          noted = note(noted, RECORD, at, end, 0)
        }
        continue
      }
    }
    if (next > end) throw new Malformed('a value beyond the end of what encloses it', at)
    at = next
  }
  // A record of which not all could be noted was not.
  notes.length = noted === NOTES.length ? record : noted
}

/** Notes a field where there is room still; returns where the next one is noted. */
function note(at: number, tag: number, start: number, value: number, end: number): number {
  if (at === NOTES.length) return at
  NOTES[at] = tag
  NOTES[at + 1] = start
  NOTES[at + 2] = value
  NOTES[at + 3] = end
  return at + ENTRY
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
 * Also ends before one that is noted, and then returns the complement of its place. `first`: where its type begins in the tables.
 */
function afterPlain(buffer: Buffer, first: number, tag: number, start: number, end: number): number {
  let at = start
  // The shortest that is tried has an empty key and nothing as value.
  while (end - at >= 6 && buffer[at] === tag) {
    const length = buffer[at + 1]!
    const next = at + 2 + length
    // Lengths from 128 on have their high bit set, and so are found to miss the end, or reach past it.
    if (length >= 0x80 || length < 4 || next > end || buffer[at + 2] !== 0x0a) return at
    const size = buffer[at + 3]!
    const valueTag = at + 4 + size
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
    if (LENGTHS[first | size] !== 0 && KEYS[first | slotOf(size, buffer[valueTag - 1]!)] !== 0) return ~at
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
