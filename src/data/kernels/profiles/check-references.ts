import { Malformed } from '../../wire/malformed.ts'
import { cursor, LENGTH, readInt32, readLength, readTag, skip, VARINT } from '../../wire/varint.ts'
import { Entry } from '../entry.ts'
import { ENTRY_TYPES, INDEX, MESSAGE, PLAIN, ruleOf, STRINGS, TABLES, typeOf } from './references.ts'
import { DICTIONARY, outOfRange, Source } from './source.ts'

const RESOURCE_PROFILES = typeOf('ResourceProfiles')
const RESOURCES = 1

const source = new Source()

/**
 * Checks what `validate` cannot see field by field: that every index points at an entry, or is 0 and so at nothing, and
 * that the first entry of each table is empty, as it means `not set`. Expects a structure that was found sound.
 *
 * Whoever resolves an index that points past its table reads another entry, or fails, and a merge would not know what
 * to point it at.
 */
export function checkReferences(buffer: Buffer): void {
  try {
    source.open(buffer)
    checkTables()
    const entry = new Entry()
    for (let at = 0; at < buffer.length;) {
      at = entry.read(buffer, at, buffer.length)
      if (entry.field !== DICTIONARY && entry.isMessage(RESOURCES)) check(RESOURCE_PROFILES, entry.start, entry.end)
    }
  } finally {
    source.close()
  }
}

function checkTables(): void {
  for (const [table, { count, places }] of source.tables.entries()) {
    const type = ENTRY_TYPES[table]!
    const isEmpty = count === 0 || places[0] === places[1] || (table !== STRINGS && isZero(places[0]!, places[1]!))
    if (!isEmpty) {
      throw new Malformed(`the first entry of ${TABLES[table]} is not empty`, places[0]!)
    }
    if (table === STRINGS) continue
    for (let index = 0; index < count; index++) check(type, places[index * 2]!, places[index * 2 + 1]!)
  }
}

/**
 * Whether nothing but defaults stands there: no text, no number but 0, and no message with more in it. Encoders differ in
 * what they leave out.
 */
function isZero(start: number, end: number): boolean {
  const { buffer } = source
  // A zero of eight bytes has only zeros; so have an empty message's length and a zero varint.
  for (let at = start; at < end;) {
    const tag = readTag(buffer, at, end)
    const value = cursor.at
    at = skip(buffer, value, end, tag)
    for (let byte = value; byte < at; byte++) if (buffer[byte] !== 0) return false
  }
  return true
}

function check(type: number, start: number, end: number): void {
  const { buffer } = source
  for (let at = start; at < end;) {
    const tag = readTag(buffer, at, end)
    const value = cursor.at
    const rule = ruleOf(type, tag)
    at = rule === PLAIN ? skip(buffer, value, end, tag) : checkField(rule, tag, value, end)
  }
}

function checkField(rule: number, tag: number, value: number, limit: number): number {
  const { buffer } = source
  if ((tag & 7) === VARINT && rule < MESSAGE) {
    checkIndex(rule - INDEX, readInt32(buffer, value, limit), value)
    return cursor.at
  }
  if ((tag & 7) !== LENGTH) throw new Malformed('a known field with another wire type', value)
  const length = readLength(buffer, value, limit)
  const start = cursor.at
  const end = start + length
  if (rule >= MESSAGE) check(rule - MESSAGE, start, end)
  else {
    for (let at = start; at < end; at = cursor.at) checkIndex(rule - INDEX, readInt32(buffer, at, end), at)
  }
  return end
}

function checkIndex(table: number, index: number, at: number): void {
  const { count } = source.tables[table]!
  if (index !== 0 && (index < 0 || index >= count)) throw outOfRange(index, table, count, at)
}
