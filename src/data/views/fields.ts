import type { Value } from '../steps/step.ts'
import type { Accessor } from '../wire/accessor.ts'
import { END, ENTRY, VALUE, type Message } from '../wire/message.ts'
import { Place } from '../wire/place.ts'
import { readNumber, readText, readValue } from '../wire/read-value.ts'
import { textForm } from '../wire/text-form.ts'
import { cursor, LENGTH, readDouble, readFixed64, readUint64 } from '../wire/varint.ts'

const place = new Place()

export function valueOf(message: Message, field: Accessor): Value | undefined {
  field.locate(place, message)
  return readValue(message.arena.buffer, place)
}

/** Of a string or an identifier, which is empty where it is not set. */
export function textOf(message: Message, field: Accessor): string {
  field.locate(place, message)
  return readText(message.arena.buffer, place)
}

/** Rounded where it is beyond 2^53; 0 where it is not set. */
export function numberOf(message: Message, field: Accessor): number {
  field.locate(place, message)
  return Number(readNumber(message.arena.buffer, place))
}

/** Of a field that is allowed to be absent. */
export function optionalNumberOf(message: Message, field: Accessor): number | undefined {
  field.locate(place, message)
  return place.exists ? Number(readNumber(message.arena.buffer, place)) : undefined
}

/** Nanoseconds since 1970; 0 where they are not set. */
export function timeOf(message: Message, field: Accessor): bigint {
  field.locate(place, message)
  return BigInt(readNumber(message.arena.buffer, place))
}

/** Sets a field; `undefined` removes it. Throws where the field cannot hold the value. */
export function setField(message: Message, field: Accessor, value: Value | undefined): void {
  if (value === undefined) field.remove(message)
  else if (!field.set(message, value)) throw new TypeError(`the field cannot hold ${textForm(value)}`)
}

/** Reads one number at `at`, before `end`; leaves the place after it in `cursor.at`. */
export type Read = (buffer: Buffer, at: number, end: number) => number

export const double: Read = readDouble
export const fixed64: Read = (buffer, at, end) => Number(readFixed64(buffer, at, end))
export const uint64: Read = (buffer, at, end) => Number(readUint64(buffer, at, end))

/** The numbers of a repeated field, packed or not. Integers beyond 2^53 are rounded. */
export function numbersOf(message: Message, number: number, wireType: number, read: Read): number[] {
  const numbers: number[] = []
  const { tape, arena } = message
  const [packed, single] = [(number << 3) | LENGTH, (number << 3) | wireType]
  for (let index = 0; index < message.length; index += ENTRY) {
    if (tape[index] !== packed && tape[index] !== single) continue
    const end = tape[index + END]!
    for (let at = tape[index + VALUE]!; at < end; at = cursor.at) numbers.push(read(arena.buffer, at, end))
  }
  return numbers
}
