import type { Value } from '../steps/value.ts'
import type { Accessor } from './accessor.ts'
import { IndexedText } from './indexed-text.ts'
import { ENTRY, END, Message, VALUE } from './message.ts'
import { DataField, TypeField } from './metric-fields.ts'
import * as kinds from './place.ts'
import { placeAny, type Place } from './place.ts'
import { readValue } from './read-value.ts'
import { fieldTag, ScalarField } from './scalar-field.ts'
import { MESSAGES, type Field, type MessageName } from './schema.ts'
import { copyAnyEntry, tagOf, writeAnyEntry, written } from './write-value.ts'

/**
 * The field of this name (`name`, `status.code`, …) in messages of this type; undefined if there is none that is
 * singular.
 */
export function accessor(name: MessageName, path: string): Accessor | undefined {
  const special = SPECIAL[name]?.[path]
  if (special !== undefined) return special
  const [outer, inner, ...rest] = path.split('.')
  const field = MESSAGES[name].fields.find((each) => each.name === outer)
  // An index says nothing by itself, and another one might point at nothing.
  if (field === undefined || field.repeated || field.table !== undefined || rest.length > 0) return undefined
  if (field.message === 'AnyValue') return inner === undefined ? new AnyField(field) : undefined
  if (field.message === undefined) return inner === undefined ? new ScalarField(name, field) : undefined
  const nested = MESSAGES[field.message].fields.find((each) => each.name === inner)
  if (nested?.scalar === undefined || nested.repeated || nested.table !== undefined || field.oneof !== undefined)
    return undefined
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

/** The body of a log record. */
class AnyField implements Accessor {
  readonly #number: number
  readonly #tag: number
  readonly tags: readonly number[]
  readonly within: readonly number[]

  constructor(field: Field) {
    this.#number = field.number
    this.#tag = fieldTag(field)
    this.tags = [this.#tag]
    this.within = this.tags
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
    message.put(this.tags, this.#tag, written.start, written.value, written.end)
    return true
  }

  copy(message: Message, source: Place): boolean {
    copyAnyEntry(message.arena, this.#number, source)
    message.put(this.tags, this.#tag, written.start, written.value, written.end)
    return true
  }

  remove(message: Message): boolean {
    return message.removeAll(this.tags)
  }
}

const part = new Message(undefined as never)

/** A field of an embedded message, such as a span's `status.code`. The message is made where it is missing. */
class NestedField implements Accessor {
  readonly #tag: number
  readonly #tags: readonly number[]
  readonly within: readonly number[]
  readonly #inner: ScalarField

  constructor(outer: Field, inner: ScalarField) {
    this.#tag = fieldTag(outer)
    this.#tags = [this.#tag]
    this.within = this.#tags
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
    part.scanAll(message, this.#tag)
  }

  #close(message: Message): void {
    const index = message.last(this.#tag)
    message.removeAll(this.#tags)
    message.replaceByMessage(index, this.#tag, part)
  }
}

/** The value of a number data point or an exemplar: a double or an int. */
class NumberField implements Accessor {
  readonly #double: ScalarField
  readonly #int: ScalarField
  readonly tags: readonly number[]
  readonly within: readonly number[]

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
    this.tags = this.#int.tags
    this.within = this.tags
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

const SPECIAL: Partial<Record<MessageName, Readonly<Record<string, Accessor>>>> = {
  NumberDataPoint: { value: new NumberField('NumberDataPoint') },
  Exemplar: { value: new NumberField('Exemplar') },
  Profile: {
    'sample_type.type': new IndexedText('Profile', 'sample_type', 'type_strindex'),
    'sample_type.unit': new IndexedText('Profile', 'sample_type', 'unit_strindex'),
    'period_type.type': new IndexedText('Profile', 'period_type', 'type_strindex'),
    'period_type.unit': new IndexedText('Profile', 'period_type', 'unit_strindex'),
  },
  Metric: {
    type: new TypeField(),
    aggregation_temporality: new DataField('aggregation_temporality'),
    is_monotonic: new DataField('is_monotonic'),
  },
}
