import { COMPRESSION_ERROR, ConnectionError, DEFAULT_HEADER_TABLE } from '../frames.ts'
import { DecodedBlocks } from './decoded-blocks.ts'
import { DynamicTable } from './dynamic-table.ts'
import { HeaderList, sizeOfField } from './header-list.ts'
import type { HeaderField, Indexing } from './header-list.ts'
import { MALFORMED, readHuffman } from './huffman.ts'
import { LAST_STATIC, STATIC_TABLE } from './static-table.ts'

export interface DecoderLimits {
  /** SETTINGS_HEADER_TABLE_SIZE as it is announced to the peer. */
  readonly tableSize: number
  /** SETTINGS_MAX_HEADER_LIST_SIZE as it is announced: what a list may have, each field with 32 octets beyond its own. */
  readonly listSize: number
}

/** An integer is at most 2^28 plus its prefix: four octets behind the first. */
const LAST_SHIFT = 21

/** Stands for a string that is longer than anything it could be of use for. */
const TOO_LONG = undefined

/**
 * Reads the header blocks of one direction of a connection (RFC 7541), every one of them, in the order in which they came. The work on a block is bounded by its
 * octets: once a list is larger than the limit nothing more of it is made, but what it does to the table, which all blocks behind it rest on.
 */
export class HeaderDecoder {
  readonly #limits: DecoderLimits
  readonly #table = new DynamicTable(DEFAULT_HEADER_TABLE)
  readonly #blocks = new DecodedBlocks()
  readonly #scratch: Buffer
  /** What the peer may make of the table; the default until it has acknowledged our settings. */
  #largestTable: number
  #mustResize = false
  #block: Buffer = NOTHING
  #at = 0
  #end = 0
  /** Whether a block refers to fields of the dynamic table. */
  #refers = false

  constructor(limits: DecoderLimits) {
    this.#limits = limits
    this.#largestTable = Math.max(DEFAULT_HEADER_TABLE, limits.tableSize)
    this.#scratch = scratchOf(Math.max(limits.tableSize, limits.listSize, DEFAULT_HEADER_TABLE))
  }

  /** The peer has acknowledged the settings: from its next block on, the table is no larger than what they say. */
  acknowledged(): void {
    this.#largestTable = this.#limits.tableSize
    this.#mustResize = this.#table.capacity > this.#largestTable
  }

  /** What the fields of the dynamic table take, by RFC 7541's measure. */
  get tableSize(): number {
    return this.#table.size
  }

  /**
   * A whole block, joined where it was spread over CONTINUATION frames. Throws a `ConnectionError` where it is malformed. Equal blocks give the same list as
   * long as the table stays as it is.
   */
  decode(block: Buffer, start: number, end: number): HeaderList {
    const version = this.#table.version
    const known = this.#mustResize ? undefined : this.#blocks.find(block, start, end, version)
    if (known !== undefined) return known
    this.#block = block
    this.#at = start
    this.#end = end
    this.#refers = false
    const hasResized = this.#readResizes()
    const list = this.#readFields()
    this.#block = NOTHING
    if (this.#table.version === version && !hasResized && !list.isTooLarge)
      this.#blocks.add(block, start, end, this.#refers ? version : undefined, list)
    return list
  }

  #readFields(): HeaderList {
    const fields: HeaderField[] = []
    let left = this.#limits.listSize
    while (this.#at < this.#end) {
      const field = this.#readField(left >= 0)
      if (left < 0) continue
      left = field === TOO_LONG ? -1 : left - sizeOfField(field.name, field.value)
      if (left >= 0) fields.push(field as HeaderField)
    }
    return new HeaderList(fields, left < 0)
  }

  /** Undefined where it is too long to be made, or not wanted. */
  #readField(isWanted: boolean): HeaderField | undefined {
    const head = this.#block[this.#at]!
    if (head >= 0x80) return this.#fieldAt(this.#readInteger(0x7f))
    if (head >= 0x40) return this.#readInserted()
    if (head >= 0x20) throw malformed('a table is resized in the midst of a block')
    return this.#readLiteral(0x0f, head >= 0x10 ? 'never' : 'without', isWanted)
  }

  #readInserted(): HeaderField | undefined {
    const field = this.#readLiteral(0x3f, 'allowed', true)
    if (field === TOO_LONG) this.#table.clear()
    else this.#table.insert(field)
    return field
  }

  #readLiteral(prefix: number, indexing: Indexing, isWanted: boolean): HeaderField | undefined {
    const index = this.#readInteger(prefix)
    const name = index === 0 ? this.#readString(isWanted) : this.#fieldAt(index).name
    const value = this.#readString(isWanted && name !== TOO_LONG)
    return name === TOO_LONG || value === TOO_LONG ? TOO_LONG : { name, value, indexing }
  }

  #fieldAt(index: number): HeaderField {
    if (index === 0) throw malformed('a field has the index 0')
    if (index <= LAST_STATIC) return STATIC_TABLE[index]!
    this.#refers = true
    const field = this.#table.get(index - LAST_STATIC - 1)
    if (field === undefined) throw malformed(`there is no field with the index ${index}`)
    return field
  }

  #readString(isWanted: boolean): string | undefined {
    if (this.#at >= this.#end) throw malformed('a block ends where a string should begin')
    const isHuffman = this.#block[this.#at]! >= 0x80
    const length = this.#readInteger(0x7f)
    const start = this.#at
    if (length > this.#end - start) throw malformed('a string goes beyond the end of its block')
    this.#at = start + length
    if (!isWanted) return TOO_LONG
    if (isHuffman) return this.#decoded(start, this.#at)
    return length > this.#scratch.length ? TOO_LONG : this.#block.toString('latin1', start, this.#at)
  }

  #decoded(start: number, end: number): string | undefined {
    const length = readHuffman(this.#block, start, end, this.#scratch)
    if (length >= 0) return this.#scratch.toString('latin1', 0, length)
    if (length === MALFORMED) throw malformed('a string breaks the rules of its Huffman code')
    return TOO_LONG
  }

  /** RFC 7541, 5.1; `most` is the octet's prefix with all bits set. */
  #readInteger(most: number): number {
    let value = this.#block[this.#at++]! & most
    if (value < most) return value
    for (let shift = 0; shift <= LAST_SHIFT; shift += 7) {
      if (this.#at >= this.#end) throw malformed('a block ends in an integer')
      const octet = this.#block[this.#at++]!
      value += (octet & 0x7f) << shift
      if (octet < 0x80) return value
    }
    throw malformed('an integer is too large')
  }

  /** At the beginning of a block alone (RFC 7541, 4.2). */
  #readResizes(): boolean {
    const start = this.#at
    while (this.#at < this.#end && this.#block[this.#at]! >>> 5 === 1) {
      const size = this.#readInteger(0x1f)
      if (size > this.#largestTable) throw malformed(`a table of ${size} octets is larger than ${this.#largestTable}`)
      this.#table.resize(size)
      this.#mustResize = false
    }
    if (this.#mustResize) throw malformed('the table was not resized to what the settings say')
    return this.#at > start
  }
}

const NOTHING = Buffer.alloc(0)

/** Strings are decoded one at a time, and all connections do that in the same memory. */
let sharedScratch = NOTHING

function scratchOf(bytes: number): Buffer {
  if (sharedScratch.length < bytes) sharedScratch = Buffer.allocUnsafeSlow(bytes)
  return sharedScratch
}

const malformed = (reason: string): ConnectionError => new ConnectionError(COMPRESSION_ERROR, reason)
