import { DEFAULT_HEADER_TABLE } from '../frames.ts'
import { DynamicTable } from './dynamic-table.ts'
import { sizeOfField } from './header-list.ts'
import type { HeaderField } from './header-list.ts'
import { huffmanLength, writeHuffman } from './huffman.ts'
import { LARGEST_INTEGER_OCTETS, writeInteger } from './integer.ts'
import { LAST_STATIC, staticIndexOf, staticIndexOfName } from './static-table.ts'

/** Whatever a peer allows: a table that is as large as the default holds the fields of many kinds of requests. */
const LARGEST_TABLE = DEFAULT_HEADER_TABLE

/**
 * A block that no table but the static one is needed for: it means the same at any time on any connection, so it may be encoded once and sent again and
 * again, or be put behind another one. Throws a `RangeError` where a character is not an octet.
 */
export const encodeHeaders = (fields: readonly HeaderField[]): Buffer => encoded(fields, undefined, undefined)

interface Remembered {
  readonly block: Buffer
  readonly version: number
}

/**
 * Encodes the header blocks of one direction of a connection with a table of the fields that were sent before, so that what repeats itself takes an octet a field.
 * Each block is to be sent, in the order in which they were made, as each rests on those before it. The same array of fields, encoded again, costs next to nothing.
 *
 * Nothing is ever evicted for a new field, unless the peer makes the table smaller: fields of which there is no end should say `without`.
 */
export class HeaderEncoder {
  readonly #table = new DynamicTable(DEFAULT_HEADER_TABLE)
  readonly #remembered = new WeakMap<readonly HeaderField[], Remembered>()
  /** What the peer has to be told in the next block: the smallest size that there was since the last, where it was another one. */
  #smallest: number | undefined

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, whenever it says one. */
  setTableSize(size: number): void {
    const capacity = Math.min(size, LARGEST_TABLE)
    if (capacity === this.#table.capacity) return
    this.#smallest = Math.min(this.#smallest ?? capacity, capacity)
    this.#table.resize(capacity)
  }

  /** A block that others may share: it is not to be written into. Throws a `RangeError`, and sends nothing, where a character is not an octet. */
  encode(fields: readonly HeaderField[]): Buffer {
    const { version } = this.#table
    const known = this.#remembered.get(fields)
    if (known?.version === version && this.#smallest === undefined) return known.block
    const smallest = this.#smallest
    const block = encoded(fields, this.#table, smallest)
    this.#smallest = undefined
    if (smallest === undefined && this.#table.version === version) this.#remembered.set(fields, { block, version })
    return block
  }
}

function encoded(
  fields: readonly HeaderField[],
  table: DynamicTable | undefined,
  smallest: number | undefined,
): Buffer {
  let at = 0
  const target = scratchOf(largestBlock(fields))
  if (table !== undefined && smallest !== undefined) {
    if (smallest < table.capacity) at = writeInteger(target, at, 0x20, 5, smallest)
    at = writeInteger(target, at, 0x20, 5, table.capacity)
  }
  for (const field of fields) at = writeField(target, at, field, table)
  const block = Buffer.allocUnsafeSlow(at)
  target.copy(block, 0, 0, at)
  return block
}

function writeField(target: Buffer, at: number, field: HeaderField, table: DynamicTable | undefined): number {
  const { name, value, indexing } = field
  if (indexing !== 'never') {
    const index = staticIndexOf(name, value) || indexInTable(table, name, value)
    if (index > 0) return writeInteger(target, at, 0x80, 7, index)
  }
  const index = staticIndexOfName(name) || indexInTable(table, name, undefined)
  const next = writeLiteralHead(target, at, field, index, table)
  return writeString(target, index > 0 ? next : writeString(target, next, name), value)
}

function writeLiteralHead(
  target: Buffer,
  at: number,
  field: HeaderField,
  index: number,
  table: DynamicTable | undefined,
): number {
  if (field.indexing === 'never') return writeInteger(target, at, 0x10, 4, index)
  const isKept = field.indexing === 'allowed' && table !== undefined && hasRoom(table, field)
  if (!isKept) return writeInteger(target, at, 0, 4, index)
  table.insert(field)
  return writeInteger(target, at, 0x40, 6, index)
}

const hasRoom = (table: DynamicTable, { name, value }: HeaderField): boolean =>
  table.size + sizeOfField(name, value) <= table.capacity

/** 0: there is none. `value` undefined: any. The table holds a hundred fields at most, and most blocks are remembered. */
function indexInTable(table: DynamicTable | undefined, name: string, value: string | undefined): number {
  if (table === undefined) return 0
  for (let index = 0; index < table.count; index++) {
    const field = table.get(index)!
    if (field.name === name && (value === undefined || field.value === value)) return LAST_STATIC + 1 + index
  }
  return 0
}

function writeString(target: Buffer, at: number, text: string): number {
  const length = huffmanLength(text)
  if (length < text.length) return writeHuffman(text, target, writeInteger(target, at, 0x80, 7, length))
  const start = writeInteger(target, at, 0, 7, text.length)
  return start + target.write(text, start, 'latin1')
}

const OCTETS = /^[\0-\xff]*$/

/** Octets that the fields take at most, with two sizes of the table before them. */
function largestBlock(fields: readonly HeaderField[]): number {
  let bytes = 2 * LARGEST_INTEGER_OCTETS
  for (const { name, value } of fields) {
    if (!OCTETS.test(name) || !OCTETS.test(value))
      throw new RangeError(`the header ${JSON.stringify(name)} has a character that is not an octet`)
    bytes += 3 * LARGEST_INTEGER_OCTETS + name.length + value.length
  }
  return bytes
}

/** Blocks are made one at a time, all in the same memory. */
let sharedScratch = Buffer.allocUnsafeSlow(4096)

function scratchOf(bytes: number): Buffer {
  if (sharedScratch.length < bytes) sharedScratch = Buffer.allocUnsafeSlow(bytes)
  return sharedScratch
}
