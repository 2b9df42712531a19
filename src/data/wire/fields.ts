import type { Value } from '../steps/value.ts'
import { ENTRY, END, VALUE, Message } from './message.ts'
import * as kinds from './place.ts'
import { findField, found, placeAny, type Place } from './place.ts'
import { readValue } from './read-value.ts'
import { isDefault, isDefaultValue, kindOf, writeScalar } from './scalars.ts'
import { MESSAGES, WIRE_TYPES, type Field, type MessageName } from './schema.ts'
import { copyAnyEntry, tagOf, writeAnyEntry, writeEntry, written } from './write-value.ts'

/** How one field of a message is read and changed. Accessors hold no record: they are made once and serve all of them. */
export interface Accessor {
  /** Reads the field into `place`. A field without presence that is not there, or has its default, does not exist but reads as the default. */
  locate(place: Place, message: Message): void
  /** Says whether `value` is one that the field can hold; if not, nothing was set. */
  set(message: Message, value: Value): boolean
  /** Sets what stands at `source`, in the same arena. Says whether the field can hold it. */
  copy(message: Message, source: Place): boolean
  /** Says whether there was something to remove. */
  remove(message: Message): boolean
}

/** The field of this name (`name`, `status.code`, …) in messages of this type; undefined if there is none that is singular. */
export function accessor(name: MessageName, path: string): Accessor | undefined {
  const special = SPECIAL[name]?.[path]
  if (special !== undefined) return special
  const [outer, inner, ...rest] = path.split('.')
  const field = MESSAGES[name].fields.find((each) => each.name === outer)
  if (field === undefined || field.repeated || rest.length > 0) return undefined
  if (field.message === 'AnyValue') return inner === undefined ? new AnyField(field) : undefined
  if (field.message === undefined) return inner === undefined ? new ScalarField(name, field) : undefined
  const nested = MESSAGES[field.message].fields.find((each) => each.name === inner)
  if (nested?.scalar === undefined || nested.repeated || field.oneof !== undefined) return undefined
  return new NestedField(field, new ScalarField(field.message, nested))
}

/** As `accessor`, for code that knows the field's name. */
export function known(name: MessageName, path: string): Accessor {
  const field = accessor(name, path)
  if (field === undefined) throw new Error(`${name} has no singular field ${path}`)
  return field
}

/** Number and tag of the repeated KeyValue field that is a message's attributes; a metric's are its metadata. */
export function attributesOf(name: MessageName): { readonly number: number; readonly tag: number } {
  const field = MESSAGES[name].fields.find((each) => each.message === 'KeyValue' && each.repeated)
  if (field === undefined) throw new Error(`${name} has no attributes`)
  return { number: field.number, tag: tagOf(field.number) }
}

export const fieldTag = (field: Field): number =>
  (field.number << 3) | (field.scalar === undefined ? 2 : WIRE_TYPES[field.scalar])

const part = new Message(undefined as never)

class ScalarField implements Accessor {
  readonly field: Field
  readonly tag: number
  /** With the other members of its oneof, of which the last one on the wire counts. */
  readonly tags: readonly number[]
  readonly kind: number

  constructor(name: MessageName, field: Field) {
    this.field = field
    this.tag = fieldTag(field)
    this.kind = kindOf(field)
    const group = MESSAGES[name].fields.filter((each) => each.oneof !== undefined && each.oneof === field.oneof)
    this.tags = group.length === 0 ? [this.tag] : group.map(fieldTag)
  }

  locate(place: Place, message: Message): void {
    const { tape } = message
    const index = this.tags.length === 1 ? message.last(this.tag) : message.lastOf(this.tags)
    if (index < 0 || tape[index] !== this.tag) return place.miss(this.field.presence ? kinds.ABSENT : this.kind)
    place.set(this.kind, tape[index + VALUE]!, tape[index + END]!)
    if (!this.field.presence && isDefault(message.arena.buffer, place)) place.exists = false
  }

  set(message: Message, value: Value): boolean {
    const { tag, field } = this
    if (!writeEntry(message.arena, tag, (writer) => writeScalar(writer, field, value))) return false
    if (!field.presence && isDefaultValue(value)) this.remove(message)
    else message.put(this.tags, tag, written.start, written.value, written.end)
    return true
  }

  copy(message: Message, source: Place): boolean {
    const value = readValue(message.arena.buffer, source)
    return value !== undefined && this.set(message, value)
  }

  remove(message: Message): boolean {
    return message.removeAll(this.tags)
  }

  /** Reads the field from the last of several messages `[start, end)` that has it; says whether this one has. */
  locateIn(place: Place, buffer: Buffer, start: number, end: number): boolean {
    if (!findField(buffer, start, end, this.tag)) return false
    place.set(this.kind, found.start, found.end)
    if (!this.field.presence && isDefault(buffer, place)) place.exists = false
    return true
  }
}

/** The body of a log record. */
class AnyField implements Accessor {
  readonly #number: number
  readonly #tag: number
  readonly #tags: readonly number[]

  constructor(field: Field) {
    this.#number = field.number
    this.#tag = fieldTag(field)
    this.#tags = [this.#tag]
  }

  locate(place: Place, message: Message): void {
    const { tape } = message
    place.miss()
    // Embedded messages that stand twice are one, joined: the last alternative that is set in any of them counts.
    for (let index = message.length - ENTRY; index >= 0; index -= ENTRY) {
      if (tape[index] !== this.#tag) continue
      placeAny(place, message.arena.buffer, tape[index + VALUE]!, tape[index + END]!)
      if (place.kind !== kinds.EMPTY) return
    }
  }

  set(message: Message, value: Value): boolean {
    writeAnyEntry(message.arena, this.#number, value)
    message.put(this.#tags, this.#tag, written.start, written.value, written.end)
    return true
  }

  copy(message: Message, source: Place): boolean {
    copyAnyEntry(message.arena, this.#number, source)
    message.put(this.#tags, this.#tag, written.start, written.value, written.end)
    return true
  }

  remove(message: Message): boolean {
    return message.removeAll(this.#tags)
  }
}

/** A field of an embedded message, such as a span's `status.code`. The message is made where it is missing. */
class NestedField implements Accessor {
  readonly #tag: number
  readonly #tags: readonly number[]
  readonly #inner: ScalarField

  constructor(outer: Field, inner: ScalarField) {
    this.#tag = fieldTag(outer)
    this.#tags = [this.#tag]
    this.#inner = inner
  }

  locate(place: Place, message: Message): void {
    const { tape } = message
    const { buffer } = message.arena
    for (let index = message.length - ENTRY; index >= 0; index -= ENTRY) {
      if (tape[index] !== this.#tag) continue
      if (this.#inner.locateIn(place, buffer, tape[index + VALUE]!, tape[index + END]!)) return
    }
    place.miss(this.#inner.field.presence ? kinds.ABSENT : this.#inner.kind)
  }

  set(message: Message, value: Value): boolean {
    this.#open(message)
    if (!this.#inner.set(part, value)) return false
    this.#close(message)
    return true
  }

  copy(message: Message, source: Place): boolean {
    const value = readValue(message.arena.buffer, source)
    return value !== undefined && this.set(message, value)
  }

  remove(message: Message): boolean {
    this.#open(message)
    if (!this.#inner.remove(part)) return false
    this.#close(message)
    return true
  }

  #open(message: Message): void {
    part.arena = message.arena
    part.begin()
    scanAll(part, message, this.#tag)
  }

  #close(message: Message): void {
    putMessage(message, this.#tags, this.#tag)
  }
}

/** The value of a number data point or an exemplar: a double or an int. */
class NumberField implements Accessor {
  readonly #double: ScalarField
  readonly #int: ScalarField

  constructor(name: MessageName) {
    const { fields } = MESSAGES[name]
    this.#double = new ScalarField(
      name,
      fields.find((each) => each.name === 'as_double')!,
    )
    this.#int = new ScalarField(
      name,
      fields.find((each) => each.name === 'as_int')!,
    )
  }

  locate(place: Place, message: Message): void {
    this.#double.locate(place, message)
    if (!place.exists) this.#int.locate(place, message)
  }

  set(message: Message, value: Value): boolean {
    const isInt = typeof value === 'bigint' || Number.isSafeInteger(value)
    return (isInt ? this.#int : this.#double).set(message, value)
  }

  copy(message: Message, source: Place): boolean {
    const value = readValue(message.arena.buffer, source)
    return value !== undefined && this.set(message, value)
  }

  remove(message: Message): boolean {
    return message.removeAll(this.#int.tags)
  }
}

const DATA = MESSAGES.Metric.fields.filter((field) => field.oneof === 'data')
const DATA_TAGS = DATA.map(fieldTag)
const DATA_NAMES = new Map(DATA.map((field) => [fieldTag(field), field.name]))

/** Which kind of data a metric has. It cannot be changed. */
class TypeField implements Accessor {
  locate(place: Place, message: Message): void {
    const index = message.lastOf(DATA_TAGS)
    if (index < 0) place.miss()
    else place.name(DATA_NAMES.get(message.tape[index]!)!)
  }

  set(): boolean {
    return false
  }

  copy(): boolean {
    return false
  }

  remove(): boolean {
    return false
  }
}

/** A field beside the points, in whichever data a metric has: `aggregation_temporality`, `is_monotonic`. */
export class DataField implements Accessor {
  readonly #fields: ReadonlyMap<number, ScalarField>

  constructor(name: string) {
    const fields = DATA.map((field): [number, ScalarField | undefined] => {
      const inner = MESSAGES[field.message!].fields.find((each) => each.name === name)
      return [fieldTag(field), inner && new ScalarField(field.message!, inner)]
    })
    this.#fields = new Map(fields.filter((each): each is [number, ScalarField] => each[1] !== undefined))
  }

  locate(place: Place, message: Message): void {
    const { tape } = message
    const last = message.lastOf(DATA_TAGS)
    const field = last < 0 ? undefined : this.#fields.get(tape[last]!)
    place.miss(field === undefined ? kinds.ABSENT : field.kind)
    if (field === undefined) return
    for (let index = last; index >= 0; index -= ENTRY) {
      if (tape[index] === tape[last]) {
        if (field.locateIn(place, message.arena.buffer, tape[index + VALUE]!, tape[index + END]!)) return
      } else if (DATA_TAGS.includes(tape[index]!)) return
    }
  }

  set(message: Message, value: Value): boolean {
    const { tape } = message
    const index = message.lastOf(DATA_TAGS)
    const tag = index < 0 ? 0 : tape[index]!
    const field = this.#fields.get(tag)
    if (field === undefined) return false
    // The last occurrence of the field counts, so that it is enough to set it in the last of several pieces.
    part.arena = message.arena
    part.begin()
    part.scan(tape[index + VALUE]!, tape[index + END]!)
    if (!field.set(part, value)) return false
    if (isDefaultValue(value)) this.#clear(message, index, tag, field)
    else replaceMessage(message, index, tag)
    return true
  }

  copy(message: Message, source: Place): boolean {
    const value = readValue(message.arena.buffer, source)
    return value !== undefined && this.set(message, value)
  }

  remove(message: Message): boolean {
    const index = message.lastOf(DATA_TAGS)
    const tag = index < 0 ? 0 : message.tape[index]!
    const field = this.#fields.get(tag)
    return field !== undefined && this.#clear(message, index, tag, field)
  }

  /** Removes the field from every piece. */
  #clear(message: Message, last: number, tag: number, field: ScalarField): boolean {
    let removed = false
    for (let index = last; index >= 0; index -= ENTRY) {
      if (message.tape[index] !== tag) continue
      part.arena = message.arena
      part.begin()
      part.scan(message.tape[index + VALUE]!, message.tape[index + END]!)
      if (!field.remove(part)) continue
      replaceMessage(message, index, tag)
      removed = true
    }
    return removed
  }
}

/** Appends to `into` the entries of every message that stands in `message` with this tag: embedded messages that stand twice are one, joined. */
export function scanAll(into: Message, message: Message, tag: number): void {
  const { tape, length } = message
  for (let index = 0; index < length; index += ENTRY) {
    if (tape[index] === tag) into.scan(tape[index + VALUE]!, tape[index + END]!)
  }
}

function putMessage(message: Message, tags: readonly number[], tag: number): void {
  const index = message.lastOf(tags)
  message.removeAll(tags)
  if (index >= 0) return replaceMessage(message, index, tag)
  const start = part.write(tag)
  message.append(tag, start, part.written, message.arena.used)
}

function replaceMessage(message: Message, index: number, tag: number): void {
  const start = part.write(tag)
  message.replace(index, tag, start, part.written, message.arena.used)
}

const SPECIAL: Partial<Record<MessageName, Readonly<Record<string, Accessor>>>> = {
  NumberDataPoint: { value: new NumberField('NumberDataPoint') },
  Exemplar: { value: new NumberField('Exemplar') },
  Metric: {
    type: new TypeField(),
    aggregation_temporality: new DataField('aggregation_temporality'),
    is_monotonic: new DataField('is_monotonic'),
  },
}
