import { type Batch, overdrawnSlab, WireBatch } from '../../batch.ts'
import type { ByteBudget } from '../../memory/byte-budget.ts'
import { Malformed } from '../../wire/malformed.ts'
import { cursor, LENGTH, readInt32, readLength, readTag, skip, VARINT } from '../../wire/varint.ts'
import { varintSize, writeVarint } from '../../wire/write.ts'
import { DEEPEST } from '../validate.ts'
import { Bytes } from './bytes.ts'
import { ENTRY_TYPES, INDEX, MESSAGE, ruleOf, STRINGS, TABLES } from './references.ts'
import { DICTIONARY, outOfRange, type Source } from './source.ts'

import { TargetTable } from './target-table.ts'

const DICTIONARY_TAG = (DICTIONARY << 3) | LENGTH
const NONE = -1

/**
 * A request of profiles that is written: records, and a dictionary of what they refer to and nothing else. Whatever is
 * taken over from a source has its indices changed to those that the same entries have here; entries come along when
 * they are first referred to, and equal ones become one. Each entry of a source is read once, so that the work is linear.
 *
 * Tables refer to one another in one direction only (stacks, locations, mappings and functions, attributes, strings), so
 * that nothing can refer to itself.
 */
export class Target {
  readonly records = new Bytes()
  readonly #tables: readonly TargetTable[] = TABLES.map((_, index) => new TargetTable(index + 1))

  clear(): void {
    this.records.clear()
    for (const table of this.#tables) table.clear()
  }

  /** Takes over the message `[start, end)` of the source as a field of the records. */
  take(source: Source, tag: number, type: number, start: number, end: number): void {
    const { records } = this
    const opened = records.open(tag, end - start)
    this.rewrite(records, source, type, start, end, 1)
    records.close(opened, end - start)
  }

  /** Takes over the contents `[start, end)` of a message, but for the field with the tag `without`. */
  rewrite(
    into: Bytes,
    source: Source,
    type: number,
    start: number,
    end: number,
    depth: number,
    without: number = NONE,
  ): void {
    if (depth > DEEPEST) throw new Malformed(`messages nested more than ${DEEPEST} deep`, start)
    const { buffer } = source
    /** What stands from here on and was not copied yet refers to nothing. */
    let from = start
    for (let at = start; at < end;) {
      const before = at
      const tag = readTag(buffer, at, end)
      const value = cursor.at
      const rule = ruleOf(type, tag)
      if (rule < INDEX && tag !== without) {
        at = skip(buffer, value, end, tag)
        continue
      }
      if (from < before) into.copy(buffer, from, before)
      at = tag === without ? skip(buffer, value, end, tag) : this.#field(into, source, rule, tag, value, end, depth)
      from = at
    }
    if (from < end) into.copy(buffer, from, end)
  }

  /** Size of what is written so far, as a whole request. */
  get size(): number {
    const dictionary = this.#dictionarySize
    return this.records.at + 1 + varintSize(dictionary) + dictionary
  }

  /** A batch of what was written, charged as inside work. */
  build(items: number, budget: ByteBudget | undefined): Batch<'profiles'> {
    const { size } = this
    const slab = overdrawnSlab(size, budget)
    const target = slab.buffer
    let at = this.records.buffer.copy(target, 0, 0, this.records.at)
    target[at++] = DICTIONARY_TAG
    at = writeVarint(target, at, this.#dictionarySize)
    for (const { bytes } of this.#tables) at += bytes.buffer.copy(target, at, 0, bytes.at)
    return new WireBatch('profiles', items, [{ slab, buffer: target.subarray(0, at) }])
  }

  get #dictionarySize(): number {
    let size = 0
    for (const { bytes } of this.#tables) size += bytes.at
    return size
  }

  /** Takes over a field that refers to something; returns where it ends in the source. */
  #field(into: Bytes, source: Source, rule: number, tag: number, value: number, limit: number, depth: number): number {
    const { buffer } = source
    if ((tag & 7) === VARINT && rule < MESSAGE) {
      const index = readInt32(buffer, value, limit)
      const at = cursor.at
      into.varint(tag)
      into.varint(this.#index(source, rule - INDEX, index, value))
      return at
    }
    if ((tag & 7) !== LENGTH) throw new Malformed('a known field with another wire type', value)
    const length = readLength(buffer, value, limit)
    const start = cursor.at
    const end = start + length
    const opened = into.open(tag, length)
    if (rule >= MESSAGE) this.rewrite(into, source, rule - MESSAGE, start, end, depth + 1)
    else {
      for (let at = start; at < end;) {
        const index = readInt32(buffer, at, end)
        const next = cursor.at
        into.varint(this.#index(source, rule - INDEX, index, at))
        at = next
      }
    }
    into.close(opened, length)
    return end
  }

  /** The index here of what stands at `index` in a table of the source. */
  #index(source: Source, table: number, index: number, at: number): number {
    const from = source.tables[table]!
    if (index === 0) return 0
    if (index < 0 || index >= from.count) throw outOfRange(index, table, from.count, at)
    const known = from.mapped[index]!
    return known >= 0 ? known : from.map(index, this.#entry(source, table, index))
  }

  #entry(source: Source, table: number, index: number): number {
    const { places } = source.tables[table]!
    const start = places[index * 2]!
    const end = places[index * 2 + 1]!
    const to = this.#tables[table]!
    if (table === STRINGS) return to.intern(source.buffer, start, end)
    const before = to.bytes.at
    const opened = to.begin(end - start)
    this.rewrite(to.bytes, source, ENTRY_TYPES[table]!, start, end, 2)
    return to.end(opened, end - start, before)
  }
}
