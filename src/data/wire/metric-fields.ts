import type { Value } from '../steps/value.ts'
import type { Accessor } from './accessor.ts'
import { ENTRY, END, Message, VALUE } from './message.ts'
import * as kinds from './place.ts'
import type { Place } from './place.ts'
import { readValue } from './read-value.ts'
import { fieldTag, ScalarField } from './scalar-field.ts'
import { isDefaultValue } from './scalars.ts'
import { MESSAGES } from './schema.ts'

const DATA = MESSAGES.Metric.fields.filter((field) => field.oneof === 'data')
const DATA_TAGS = DATA.map(fieldTag)
const DATA_NAMES = new Map(DATA.map((field) => [fieldTag(field), field.name]))

const part = new Message(undefined as never)

/** Which kind of data a metric has. It cannot be changed. */
export class TypeField implements Accessor {
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
    else message.replaceByMessage(index, tag, part)
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
      message.replaceByMessage(index, tag, part)
      removed = true
    }
    return removed
  }
}
