import { found } from '../wire/found.ts'
import { type Dictionary, fieldOf } from '../wire/dictionary.ts'
import type { Arena } from '../wire/arena.ts'
import { Malformed } from '../wire/malformed.ts'
import { END, ENTRY, type Message, START, VALUE } from '../wire/message.ts'
import { findKey, findField } from '../wire/place.ts'
import { MESSAGES, type MessageName } from '../wire/schema.ts'
import { cursor, LENGTH, readInt32, VARINT } from '../wire/varint.ts'
import { VARINT_ROOM, varintSize, writeVarint } from '../wire/write.ts'

/**
 * Profiles and samples do not hold their attributes, but point at them in a table. On a tape they have them as a field
 * with this number, which protobuf keeps for what never leaves a program: what looks at attributes finds them as it
 * finds those of a span.
 */
export const ATTRIBUTES_FIELD = 19_000
export const ATTRIBUTES_TAG = (ATTRIBUTES_FIELD << 3) | LENGTH

const TABLE = fieldOf('attribute_table')
const STRINGS = fieldOf('string_table')
// Tags of KeyValue's value and index of a key, and of KeyValueAndUnit's, whose value has the same.
const VALUE_TAG = 0x12
const KEY_INDEX_TAG = 0x18
const ENTRY_KEY_TAG = 0x08

/** Whether messages of this type point at their attributes. */
export const pointsAtAttributes = (name: MessageName): boolean =>
  MESSAGES[name].fields.some(({ table, repeated }) => table === 'attribute_table' && repeated)

/** The attributes that profiles and samples of one walk point at: put on their tapes, and turned into indices again. */
export class References {
  readonly #arena: Arena
  /** By index: where it stands in the arena as a KeyValue; and the other way round. */
  readonly #placeOf = new Map<number, { readonly start: number; readonly end: number }>()
  readonly #indexOf = new Map<number, number>()
  /** What was added to the dictionary, by what it says. */
  readonly #addedAttributes = new Map<string, number>()
  #strings: Map<string, number> | undefined
  #additions: Buffer[] = []
  /** How many of each were added. */
  #attributes = 0
  #texts = 0

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** Another request begins. */
  begin(): void {
    this.#placeOf.clear()
    this.#indexOf.clear()
    this.#addedAttributes.clear()
    this.#strings = undefined
    this.#additions = []
    this.#attributes = 0
    this.#texts = 0
  }

  /** Entries to add to the dictionary. */
  get additions(): readonly Buffer[] {
    return this.#additions
  }

  /** Puts the attributes that a record points at on its tape, where they do not count as a change. */
  expand(message: Message, field: number): void {
    const { length } = message
    const [single, packed] = [(field << 3) | VARINT, (field << 3) | LENGTH]
    for (let entry = 0; entry < length; entry += ENTRY) {
      const tag = message.tape[entry]!
      if (tag === ATTRIBUTES_TAG)
        throw new Malformed(`field ${ATTRIBUTES_FIELD}, which is reserved`, message.tape[entry + START]!)
      if (tag !== single && tag !== packed) continue
      const end = message.tape[entry + END]!
      for (let at = message.tape[entry + VALUE]!; at < end;) {
        const index = readInt32(this.#arena.buffer, at, end)
        at = cursor.at
        if (index === 0) continue
        const place = this.#placeOf.get(index) ?? this.#load(index, at)
        message.extend(ATTRIBUTES_TAG, place.start, place.start, place.end)
      }
    }
  }

  /** Turns the attributes on the tape of a changed record into indices, which then stand there instead of the old ones. */
  fold(message: Message, field: number): void {
    const indices: number[] = []
    for (let entry = 0; entry < message.length; entry += ENTRY) {
      if (message.tape[entry] !== ATTRIBUTES_TAG) continue
      const start = message.tape[entry + VALUE]!
      indices.push(this.#indexOf.get(start) ?? this.#add(start, message.tape[entry + END]!))
    }
    const [single, packed] = [(field << 3) | VARINT, (field << 3) | LENGTH]
    message.removeAll([single, packed])
    message.edited = 0
    if (indices.length === 0) return
    const arena = this.#arena
    const size = indices.reduce((sum, index) => sum + varintSize(index), 0)
    const start = arena.reserve(varintSize(packed) + varintSize(size) + size)
    const value = writeVarint(arena.buffer, writeVarint(arena.buffer, start, packed), size)
    let at = value
    for (const index of indices) at = writeVarint(arena.buffer, at, index)
    message.append(packed, start, value, at)
  }

  /** Writes an entry of the attribute table as a KeyValue: the key's index has another field there. */
  #load(index: number, at: number): { readonly start: number; readonly end: number } {
    const arena = this.#arena
    const dictionary = arena.dictionary as Dictionary
    if (!dictionary.find(arena.buffer, TABLE, index)) {
      throw new Malformed(
        `index ${index} into attribute_table, which has ${dictionary.count(arena.buffer, TABLE)} entries`,
        at,
      )
    }
    const [from, to] = [found.start, found.end]
    const key = findField(arena.buffer, from, to, ENTRY_KEY_TAG) ? readInt32(arena.buffer, found.start, found.end) : 0
    const hasValue = findField(arena.buffer, from, to, VALUE_TAG)
    const [start, end] = [found.start, found.end]
    const size = hasValue ? end - start : 0
    const place = arena.reserve(2 * VARINT_ROOM + 2 + size)
    const { buffer } = arena
    let next = place
    if (hasValue) {
      next = writeVarint(buffer, writeVarint(buffer, next, VALUE_TAG), size)
      next = arena.copy(next, start, end)
    }
    next = writeVarint(buffer, writeVarint(buffer, next, KEY_INDEX_TAG), key)
    const loaded = { start: place, end: next }
    this.#placeOf.set(index, loaded)
    this.#indexOf.set(place, index)
    return loaded
  }

  /** The index of a new attribute, which goes into the table of the request. */
  #add(start: number, end: number): number {
    const { buffer } = this.#arena
    const says = buffer.toString('latin1', start, end)
    const known = this.#addedAttributes.get(says)
    if (known !== undefined) return known
    findKey(buffer, start, end)
    const key = this.#string(buffer.toString('utf8', found.start, found.end))
    const hasValue = findField(buffer, start, end, VALUE_TAG)
    const value = hasValue ? buffer.subarray(found.start, found.end) : EMPTY
    const content = Buffer.allocUnsafeSlow(2 * VARINT_ROOM + 2 + value.length)
    let at = writeVarint(content, writeVarint(content, 0, ENTRY_KEY_TAG), key)
    at = writeVarint(content, writeVarint(content, at, VALUE_TAG), value.length)
    content.set(value, at)
    const index = this.#push(TABLE, this.#attributes++, content.subarray(0, at + value.length))
    this.#addedAttributes.set(says, index)
    return index
  }

  #string(text: string): number {
    if (text === '') return 0
    this.#strings ??= this.#readStrings()
    const known = this.#strings.get(text)
    if (known !== undefined) return known
    const index = this.#push(STRINGS, this.#texts++, Buffer.from(text))
    this.#strings.set(text, index)
    return index
  }

  /** Read only where an attribute is added, and then once. */
  #readStrings(): Map<string, number> {
    const { buffer, dictionary } = this.#arena
    const strings = new Map<string, number>()
    for (let index = 1; index < this.#count(STRINGS); index++) strings.set(dictionary!.text(buffer, index), index)
    return strings
  }

  #count(table: number): number {
    return this.#arena.dictionary!.count(this.#arena.buffer, table)
  }

  /** Adds an entry, before which `added` were; returns its index. A table begins with an empty one. */
  #push(table: number, added: number, content: Buffer): number {
    const count = this.#count(table)
    if (count === 0 && added === 0) this.#additions.push(Buffer.from([tagOf(table), 0]))
    const head = Buffer.allocUnsafeSlow(1 + VARINT_ROOM)
    head[0] = tagOf(table)
    this.#additions.push(Buffer.concat([head.subarray(0, writeVarint(head, 1, content.length)), content]))
    return Math.max(1, count) + added
  }
}

const EMPTY = Buffer.alloc(0)
const tagOf = (field: number): number => (field << 3) | LENGTH
