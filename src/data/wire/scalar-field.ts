import type { Value } from '../steps/value.ts'
import type { Accessor } from './accessor.ts'
import { END, VALUE, type Message } from './message.ts'
import * as kinds from './place.ts'
import { findField, found, type Place } from './place.ts'
import { readValue } from './read-value.ts'
import { isDefault, isDefaultValue, kindOf, writeScalar } from './scalars.ts'
import { MESSAGES, WIRE_TYPES, type Field, type MessageName } from './schema.ts'
import { writeEntry, written } from './write-value.ts'

export const fieldTag = (field: Field): number =>
  (field.number << 3) | (field.scalar === undefined ? 2 : WIRE_TYPES[field.scalar])

/** A field that holds a text, a number, a bool, bytes or an identifier. */
export class ScalarField implements Accessor {
  readonly field: Field
  readonly tag: number
  /** With the other members of its oneof, of which the last one on the wire counts. */
  readonly tags: readonly number[]
  readonly within: readonly number[]
  readonly kind: number

  constructor(name: MessageName, field: Field) {
    this.field = field
    this.tag = fieldTag(field)
    this.kind = kindOf(field)
    const group = MESSAGES[name].fields.filter((each) => each.oneof !== undefined && each.oneof === field.oneof)
    this.tags = group.length === 0 ? [this.tag] : group.map(fieldTag)
    this.within = this.tags
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
