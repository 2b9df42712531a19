import type { Accessor } from './accessor.ts'
import { findString } from './dictionary.ts'
import { END, ENTRY, VALUE, type Message } from './message.ts'
import { findField, found, STRING, type Place } from './place.ts'
import { fieldTag } from './scalar-field.ts'
import { MESSAGES, type MessageName } from './schema.ts'
import { readInt32 } from './varint.ts'

/** A text that an embedded message points at in the dictionary: the type or unit of a profile's values. Only read. */
export class IndexedText implements Accessor {
  readonly #outer: number
  readonly #inner: number

  constructor(name: MessageName, outer: string, inner: string) {
    const field = MESSAGES[name].fields.find((each) => each.name === outer)!
    this.#outer = fieldTag(field)
    this.#inner = fieldTag(MESSAGES[field.message!].fields.find((each) => each.name === inner)!)
  }

  locate(place: Place, message: Message): void {
    const { tape } = message
    const { buffer } = message.arena
    for (let entry = message.length - ENTRY; entry >= 0; entry -= ENTRY) {
      if (tape[entry] !== this.#outer) continue
      const end = tape[entry + END]!
      if (!findField(buffer, tape[entry + VALUE]!, end, this.#inner)) continue
      const index = readInt32(buffer, found.start, found.end)
      if (index === 0 || !findString(buffer, index, end)) continue
      return place.set(STRING, found.start, found.end)
    }
    place.miss(STRING)
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
