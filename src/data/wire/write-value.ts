import { writeValue } from '../builders/attributes.ts'
import type { Value } from '../steps/value.ts'
import type { Arena } from './arena.ts'
import type { Key } from './key.ts'
import * as kinds from './place.ts'
import type { Place } from './place.ts'
import { readValue } from './read-value.ts'
import { LENGTH } from './varint.ts'
import { WireWriter } from './wire-writer.ts'
import { varintSize, writeVarint } from './write.ts'

// Fields of KeyValue, and their tags.
const KEY = 1
const VALUE = 2
const KEY_TAG = 0x0a
const VALUE_TAG = 0x12

/** Where the last entry that was written into an arena begins, where its value does, and where it ends. */
export const written = { start: 0, value: 0, end: 0 }

/** For entries that are built field by field; empty between uses. */
const writer = new WireWriter()

/**
 * Writes an entry into the arena with what `build` writes: a single field, whose tag is `tag`. False where `build` says
 * so.
 */
export function writeEntry(arena: Arena, tag: number, build: (writer: WireWriter) => boolean): boolean {
  writer.clear()
  if (!build(writer)) return false
  loadEntry(arena, tag)
  return true
}

/** Writes an AnyValue as the length-delimited field `number`. */
export function writeAnyEntry(arena: Arena, number: number, value: Value): void {
  writer.clear()
  writeValue(writer, number, value)
  loadEntry(arena, tagOf(number))
}

/** Writes a KeyValue as the length-delimited field `number`. */
export function writeKeyValueEntry(arena: Arena, number: number, key: Key, value: Value): void {
  writer.clear()
  writer.open(number)
  writer.string(KEY, key.text)
  writeValue(writer, VALUE, value)
  writer.close()
  loadEntry(arena, tagOf(number))
}

/** Writes what stands at `place` as an AnyValue, in the field `number`. Copies bytes, so that every type survives. */
export function copyAnyEntry(arena: Arena, number: number, place: Place): void {
  if (place.kind > kinds.EMPTY) return writeAnyEntry(arena, number, readSigned(arena, place))
  const tag = tagOf(number)
  const size = contentSize(place)
  const start = arena.reserve(varintSize(tag) + varintSize(size) + size)
  const value = writeVarint(arena.buffer, writeVarint(arena.buffer, start, tag), size)
  note(start, value, writeContent(arena, value, place))
}

/** Writes a KeyValue of `key` and what stands at `place`, as the field `number`. */
export function copyKeyValueEntry(arena: Arena, number: number, key: Key, place: Place): void {
  if (place.kind > kinds.EMPTY) return writeKeyValueEntry(arena, number, key, readSigned(arena, place))
  const tag = tagOf(number)
  const keySize = key.bytes.length
  const any = contentSize(place)
  const size = 2 + varintSize(keySize) + keySize + varintSize(any) + any
  const start = arena.reserve(varintSize(tag) + varintSize(size) + size)
  const { buffer } = arena
  const value = writeVarint(buffer, writeVarint(buffer, start, tag), size)
  let at = writeVarint(buffer, writeVarint(buffer, value, KEY_TAG), keySize)
  buffer.set(key.bytes, at)
  at = writeVarint(buffer, writeVarint(buffer, at + keySize, VALUE_TAG), any)
  note(start, value, writeContent(arena, at, place))
}

/** A field's value as an AnyValue can hold it, whose ints are signed: larger ones keep their bits. */
function readSigned(arena: Arena, place: Place): Value {
  const value = readValue(arena.buffer, place)!
  return typeof value === 'bigint' ? BigInt.asIntN(64, value) : value
}

export const tagOf = (number: number): number => (number << 3) | LENGTH

function contentSize(place: Place): number {
  const size = place.end - place.start
  if (place.kind === kinds.EMPTY) return 0
  return isDelimited(place.kind) ? 1 + varintSize(size) + size : 1 + size
}

function writeContent(arena: Arena, at: number, place: Place): number {
  const { kind, start, end } = place
  const { buffer } = arena
  if (kind === kinds.EMPTY) return at
  buffer[at++] = (kind << 3) | WIRE_TYPES[kind]!
  if (isDelimited(kind)) at = writeVarint(buffer, at, end - start)
  return arena.copy(at, start, end)
}

const isDelimited = (kind: number): boolean => WIRE_TYPES[kind] === LENGTH

/** Of AnyValue's alternatives, by kind. */
const WIRE_TYPES = [0, 2, 0, 0, 1, 2, 2, 2]

function loadEntry(arena: Arena, tag: number): void {
  const { length, buffer } = writer
  const start = arena.reserve(length)
  buffer.copy(arena.buffer, start, 0, length)
  let value = varintSize(tag)
  if ((tag & 7) === LENGTH) {
    while (buffer[value]! >= 0x80) value++
    value++
  }
  note(start, start + value, start + length)
}

function note(start: number, value: number, end: number): void {
  written.start = start
  written.value = value
  written.end = end
}
