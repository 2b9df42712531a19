import type { Subject } from '../steps/levels.ts'
import type { Value } from '../steps/step.ts'
import { findAttribute, keyAt, placeAttribute, putAttribute, removeAttribute } from '../wire/attributes.ts'
import { keyOf } from '../wire/key.ts'
import { ENTRY, type Message } from '../wire/message.ts'
import * as kinds from '../wire/place.ts'
import { equals, Place } from '../wire/place.ts'
import { isNumber, readNumber, readValue } from '../wire/read-value.ts'
import { writeKeyValueEntry, written } from '../wire/write-value.ts'
import type { AttributesView } from './record-view.ts'

const place = new Place()

/** The attributes of the record that stands on a tape. */
export class Attributes implements AttributesView {
  readonly #message: Message
  readonly #number: number
  readonly #tag: number

  constructor({ message, attributes }: Subject) {
    this.#message = message
    this.#number = attributes.number
    this.#tag = attributes.tag
  }

  get(key: string): Value | undefined {
    placeAttribute(place, this.#message, this.#find(key))
    return readValue(this.#message.arena.buffer, place)
  }

  has(key: string): boolean {
    return this.#find(key) >= 0
  }

  is(key: string, value: string | number | boolean): boolean {
    placeAttribute(place, this.#message, this.#find(key))
    const { buffer } = this.#message.arena
    if (typeof value === 'string') {
      return place.kind === kinds.STRING && equals(buffer, place.start, place.end, keyOf(value).bytes)
    }
    if (typeof value === 'boolean') return place.kind === kinds.BOOL && readValue(buffer, place) === value
    return isNumber(place.kind) && Number(readNumber(buffer, place)) === value
  }

  set(key: string, value: Value): void {
    this.#write(key, this.#find(key), value)
  }

  insert(key: string, value: Value): boolean {
    if (this.#find(key) >= 0) return false
    this.#write(key, -1, value)
    return true
  }

  delete(key: string): boolean {
    return removeAttribute(this.#message, this.#tag, keyOf(key))
  }

  *keys(): Generator<string> {
    for (const [key] of this.#entries()) yield key
  }

  toObject(): Record<string, Value> {
    const entries: [string, Value][] = []
    for (const [key, index] of this.#entries()) {
      placeAttribute(place, this.#message, index)
      const value = readValue(this.#message.arena.buffer, place)
      if (value !== undefined) entries.push([key, value])
    }
    return Object.fromEntries(entries)
  }

  /** Each key with the place of its first attribute on the tape. */
  *#entries(): Generator<[key: string, index: number]> {
    const seen = new Set<string>()
    for (let index = 0; index < this.#message.length; index += ENTRY) {
      if (this.#message.tape[index] !== this.#tag) continue
      const key = keyAt(this.#message, index)
      if (seen.has(key)) continue
      seen.add(key)
      yield [key, index]
    }
  }

  #find(key: string): number {
    return findAttribute(this.#message, this.#tag, keyOf(key))
  }

  #write(name: string, index: number, value: Value): void {
    const key = keyOf(name)
    writeKeyValueEntry(this.#message.arena, this.#number, key, value)
    putAttribute(this.#message, this.#tag, key, index, written.start, written.value, written.end)
  }
}
