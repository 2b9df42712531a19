import { Malformed } from '../../wire/malformed.ts'
import { Places } from '../../wire/places.ts'
import { LENGTH } from '../../wire/varint.ts'
import { Entry } from '../entry.ts'
import { TABLES } from './references.ts'

/** Where a request has its dictionary. */
export const DICTIONARY = 2
/** Places that are kept for a table from one use to the next. */
const LARGEST_KEPT = 256 * 1024
const FIRST_ENTRIES = 128
const UNKNOWN = -1
/**
 * Entries of all tables together. Each costs sixteen bytes that no budget knows of while a request is looked at, and takes
 * two on the wire where it is empty.
 */
const MOST_ENTRIES = 4 * 1024 * 1024

/** Where the entries of one table stand in a request, and what index each has elsewhere. */
export class SourceTable {
  readonly #entries = new Places()
  /** By entry: its index in the dictionary that is being written; -1 while it has none. */
  mapped = new Int32Array(FIRST_ENTRIES)
  /** Entries that have one, so that forgetting costs no more than they did. */
  #touched = new Int32Array(FIRST_ENTRIES)
  #touches = 0

  get count(): number {
    return this.#entries.count
  }

  /** By entry: where it begins, past tag and length, and where it ends. */
  get places(): Int32Array {
    return this.#entries.places
  }

  clear(): void {
    const isLarge = this.places.length > LARGEST_KEPT
    this.#entries.clear(LARGEST_KEPT)
    this.#touches = 0
    if (!isLarge) return
    this.mapped = new Int32Array(FIRST_ENTRIES)
    this.#touched = new Int32Array(FIRST_ENTRIES)
  }

  push(start: number, end: number): void {
    this.#entries.push(start, end)
  }

  /** Once all entries are there: none has an index elsewhere. */
  settle(): void {
    if (this.mapped.length < this.count) {
      this.mapped = new Int32Array(this.places.length / 2)
      this.#touched = new Int32Array(this.places.length / 2)
    }
    this.mapped.fill(UNKNOWN, 0, this.count)
  }

  map(index: number, to: number): number {
    this.#touched[this.#touches++] = index
    return (this.mapped[index] = to)
  }

  /** No entry has an index elsewhere any more. */
  forget(): void {
    for (let index = 0; index < this.#touches; index++) this.mapped[this.#touched[index]!] = UNKNOWN
    this.#touches = 0
  }
}

/** A request of profiles that is read: its bytes and the tables of its dictionary. Used again and again. */
export class Source {
  buffer: Buffer = EMPTY
  readonly tables: readonly SourceTable[] = TABLES.map(() => new SourceTable())
  readonly #entry = new Entry()
  #entries = 0

  /** Finds the dictionary of a request; a dictionary that stands in several pieces is one, joined. */
  open(buffer: Buffer): void {
    this.close()
    this.buffer = buffer
    this.#entries = 0
    const entry = this.#entry
    for (let at = 0; at < buffer.length;) {
      at = entry.read(buffer, at, buffer.length)
      if (entry.isMessage(DICTIONARY)) this.#read(entry.start, entry.end)
    }
    for (const table of this.tables) table.settle()
  }

  /** What is taken over from now on goes into another dictionary. */
  forget(): void {
    for (const table of this.tables) table.forget()
  }

  /** The request is not kept, nor what its tables took if that was much. */
  close(): void {
    this.buffer = EMPTY
    for (const table of this.tables) table.clear()
  }

  #read(start: number, end: number): void {
    const { buffer, tables } = this
    const entry = this.#entry
    for (let at = start; at < end;) {
      at = entry.read(buffer, at, end)
      const table = tables[entry.field - 1]
      if (table === undefined) continue
      if (entry.wireType !== LENGTH) throw new Malformed('a known field with another wire type', entry.start)
      if (++this.#entries > MOST_ENTRIES)
        throw new Malformed(`a dictionary of more than ${MOST_ENTRIES} entries`, entry.start)
      table.push(entry.start, entry.end)
    }
  }
}

const EMPTY = Buffer.alloc(0)

/** An index that points at nothing. */
export function outOfRange(index: number, table: number, count: number, at: number): Malformed {
  return new Malformed(`index ${index} into ${TABLES[table]}, which has ${count} entries`, at)
}
