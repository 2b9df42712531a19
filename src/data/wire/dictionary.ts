import { Malformed } from './malformed.ts'
import { found } from './found.ts'
import { Places } from './places.ts'
import { MESSAGES, type TableName } from './schema.ts'
import { cursor, LENGTH, readLength, readTag, skip } from './varint.ts'

/** Tag of the dictionary in a request of profiles. */
export const DICTIONARY_TAG = 0x12

/** Numbers of the tables' fields. */
const TABLE_FIELDS = Object.fromEntries(MESSAGES.ProfilesDictionary.fields.map(({ name, number }) => [name, number]))
export const fieldOf = (table: TableName): number => TABLE_FIELDS[table]!
const STRINGS = fieldOf('string_table')

/**
 * The dictionary of a request of profiles, looked for when it is first needed. Places are offsets, which stay valid while
 * the buffer around them grows.
 */
export class Dictionary {
  readonly #start: number
  readonly #end: number
  #tables: readonly Places[] | undefined

  constructor(start: number, end: number) {
    this.#start = start
    this.#end = end
  }

  /** Finds an entry; leaves where it stands in `found`. Index 0 means `not set`, and is never found. */
  find(buffer: Buffer, field: number, index: number): boolean {
    const table = this.#read(buffer)[field]!
    if (index <= 0 || index >= table.count) return false
    found.start = table.places[index * 2]!
    found.end = table.places[index * 2 + 1]!
    return true
  }

  count(buffer: Buffer, field: number): number {
    return this.#read(buffer)[field]!.count
  }

  /** The string at an index; empty where there is none. */
  text(buffer: Buffer, index: number): string {
    return this.find(buffer, STRINGS, index) ? buffer.toString('utf8', found.start, found.end) : ''
  }

  #read(buffer: Buffer): readonly Places[] {
    if (this.#tables !== undefined) return this.#tables
    const tables = Array.from({ length: MESSAGES.ProfilesDictionary.byNumber.length }, () => new Places())
    const end = this.#end
    for (let at = this.#start; at < end;) {
      const tag = readTag(buffer, at, end)
      const value = cursor.at
      if (tag === DICTIONARY_TAG) {
        const length = readLength(buffer, value, end)
        at = cursor.at + length
        readTables(tables, buffer, at - length, at)
      } else at = skip(buffer, value, end, tag)
    }
    return (this.#tables = tables)
  }
}

function readTables(tables: readonly Places[], buffer: Buffer, start: number, end: number): void {
  for (let at = start; at < end;) {
    const tag = readTag(buffer, at, end)
    const value = cursor.at
    const table = tag >>> 3 < tables.length ? tables[tag >>> 3] : undefined
    if (table === undefined) at = skip(buffer, value, end, tag)
    else {
      if ((tag & 7) !== LENGTH) throw new Malformed('a known field with another wire type', at)
      const length = readLength(buffer, value, end)
      at = cursor.at + length
      table.push(at - length, at)
    }
  }
}

/** Buffers that hold profiles, and the dictionary in each: strings in them may be indices. */
const dictionaries = new WeakMap<Buffer, Dictionary>()

/** Strings in `buffer` that are indices are looked up in `dictionary`, from now on; undefined: not any more. */
export function setDictionary(buffer: Buffer, dictionary: Dictionary | undefined): void {
  if (dictionary === undefined) dictionaries.delete(buffer)
  else dictionaries.set(buffer, dictionary)
}

/**
 * Finds the string that an index stands for; leaves it in `found`. False in a buffer that has no dictionary, where such
 * an index says nothing.
 */
export function findString(buffer: Buffer, index: number, at: number): boolean {
  const dictionary = dictionaries.get(buffer)
  if (dictionary === undefined) return false
  if (dictionary.find(buffer, STRINGS, index)) return true
  found.start = at
  found.end = at
  return true
}
