import type { Key } from './key.ts'
import * as layout from './message.ts'
import type { Message } from './message.ts'
import { findKey, found, isPlain, equals, placeValue, type Place } from './place.ts'

// Kept to the module, so that the compiler folds them: see message.ts.
const { ENTRY, VALUE, END } = layout

/** The first attribute with this key in the repeated field `tag`, as an index of the tape, or -1. */
export function findAttribute(message: Message, tag: number, { bytes, mark }: Key, from: number = 0): number {
  if ((message.marks & mark) === 0) return -1
  const { tape, length } = message
  const buffer = message.arena.buffer
  const size = bytes.length
  for (let index = from; index < length; index += ENTRY) {
    if (tape[index] !== tag) continue
    const start = tape[index + VALUE]!
    const end = tape[index + END]!
    if (isPlain(buffer, start, end)) {
      if (buffer[start + 1] === size && equals(buffer, start + 2, start + 2 + size, bytes)) return index
    } else {
      findKey(buffer, start, end)
      if (equals(buffer, found.start, found.end, bytes)) return index
    }
  }
  return -1
}

/** Reads the value of the attribute at `index` into `place`; nothing stands there where `index` is -1. */
export function placeAttribute(place: Place, message: Message, index: number): void {
  if (index < 0) return place.miss()
  const { tape } = message
  placeValue(place, message.arena.buffer, tape[index + VALUE]!, tape[index + END]!)
}

export function keyAt(message: Message, index: number): string {
  const { tape, arena } = message
  findKey(arena.buffer, tape[index + VALUE]!, tape[index + END]!)
  return arena.buffer.toString('utf8', found.start, found.end)
}

/**
 * Puts the KeyValue that stands in the arena at `[start, end)`, its value from `value`, in place of the attribute at
 * `index`, or appends it (-1).
 */
export function putAttribute(
  message: Message,
  tag: number,
  key: Key,
  index: number,
  start: number,
  value: number,
  end: number,
): void {
  if (index < 0) {
    const { marks } = message
    message.append(tag, start, value, end)
    message.marks = marks | key.mark
    return
  }
  message.replace(index, tag, start, value, end)
  removeAttribute(message, tag, key, index + ENTRY)
}

/** Removes every attribute with this key, from `from` on; says whether there was one. */
export function removeAttribute(message: Message, tag: number, key: Key, from: number = 0): boolean {
  let index = findAttribute(message, tag, key, from)
  if (index < 0) return false
  for (; index >= 0; index = findAttribute(message, tag, key, index + ENTRY)) message.remove(index)
  return true
}
