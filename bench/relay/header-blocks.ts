/** As much of HPACK (RFC 7541) as the load needs: blocks to send, and the statuses in the blocks that come back. */

/** What a client sends: with new entries of the table the first time, and with nothing but references to them from then on. */
export function requestBlocks(path: string, authority: string, gzip: boolean): { first: Buffer; next: Buffer } {
  const named: [index: number, value: string][] = [
    [4, path],
    [1, authority],
    [31, 'application/grpc'],
    [58, 'telegen-relay-bench/1'],
  ]
  const unnamed = [['te', 'trailers'], ...(gzip ? [['grpc-encoding', 'gzip']] : [])] as [string, string][]
  const entries = [
    ...named.map(([index, value]) => Buffer.concat([Buffer.of(0x40 | index), literal(value)])),
    ...unnamed.map(([name, value]) => Buffer.concat([Buffer.of(0x40), literal(name), literal(value)])),
  ]
  const post = Buffer.of(0x83, 0x86)
  const references = entries.map((_, index) => 0x80 | (FIRST_DYNAMIC + entries.length - 1 - index))
  return { first: Buffer.concat([post, ...entries]), next: Buffer.concat([post, Buffer.from(references)]) }
}

/** What a server answers: headers, and trailers with status 0. Where the client keeps no table, `first` is right every time. */
export function responseBlocks(table: boolean): { first: [Buffer, Buffer]; next: [Buffer, Buffer] } {
  const type = literal('application/grpc')
  const status = Buffer.concat([literal('grpc-status'), literal('0')])
  if (!table) {
    const plain: [Buffer, Buffer] = [
      Buffer.concat([Buffer.of(0x20, 0x88, 0x0f, 0x10), type]),
      Buffer.concat([Buffer.of(0x00), status]),
    ]
    return { first: plain, next: plain }
  }
  return {
    first: [Buffer.concat([Buffer.of(0x88, 0x5f), type]), Buffer.concat([Buffer.of(0x40), status])],
    next: [Buffer.of(0x88, 0x80 | (FIRST_DYNAMIC + 1)), Buffer.of(0x80 | FIRST_DYNAMIC)],
  }
}

const FIRST_DYNAMIC = 62
const TABLE_BYTES = 4_096
const ENTRY_OVERHEAD = 32
/** Values that matter here: of `:status`. */
const STATIC_STATUSES = ['200', '204', '206', '304', '400', '404', '500']
const STATIC_NAMES =
  ':authority :method :method :path :path :scheme :scheme :status :status :status :status :status :status :status accept-charset ' +
  'accept-encoding accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
  'content-disposition content-encoding content-language content-length content-location content-range content-type cookie date etag ' +
  'expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location ' +
  'max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security ' +
  'transfer-encoding user-agent vary via www-authenticate'
const FIRST_STATUS = 8
const staticTable = STATIC_NAMES.split(' ').map((name, index): readonly [string, string] => [
  name,
  STATIC_STATUSES[index + 1 - FIRST_STATUS] ?? '',
])

/** The statuses in a block; one that it does not have is undefined. */
export interface Statuses {
  http?: string
  grpc?: string
  message?: string
}

const MOST_REMEMBERED = 64

/** Reads the header blocks of one connection. */
export class StatusReader {
  /** Newest first. */
  readonly #table: (readonly [string, string])[] = []
  #limit = TABLE_BYTES
  /** Blocks that were read since the table changed last. */
  readonly #known = new Map<string, Statuses>()

  read(block: Buffer): Statuses {
    const key = block.toString('latin1')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const fields: Statuses = {}
    const cursor = { block, at: 0 }
    let changed = false
    while (cursor.at < block.length) {
      const byte = block[cursor.at]!
      if ((byte & 0xe0) === 0x20) {
        this.#limit = integer(cursor, 5)
        if (this.#limit === 0) this.#table.length = 0
        changed = true
        continue
      }
      const indexed = byte >= 0x80
      const added = !indexed && byte >= 0x40
      const index = integer(cursor, indexed ? 7 : added ? 6 : 4)
      const entry = index === 0 ? undefined : this.#entry(index)
      const name = entry?.[0] ?? text(cursor)
      const value = indexed ? (entry?.[1] ?? '') : text(cursor)
      if (added) changed = this.#add([name, value])
      if (name === ':status') fields.http = value
      else if (name === 'grpc-status') fields.grpc = value
      else if (name === 'grpc-message') fields.message = value
    }
    if (changed || this.#known.size === MOST_REMEMBERED) this.#known.clear()
    else this.#known.set(key, fields)
    return fields
  }

  #entry(index: number): readonly [string, string] {
    const entry = index < FIRST_DYNAMIC ? staticTable[index - 1] : this.#table[index - FIRST_DYNAMIC]
    if (entry === undefined) throw new Error(`the answer refers to entry ${index}, which is not in the table`)
    return entry
  }

  #add(entry: readonly [string, string]): true {
    this.#table.unshift(entry)
    let size = 0
    const last = this.#table.findIndex(
      ([name, value]) => (size += name.length + value.length + ENTRY_OVERHEAD) > this.#limit,
    )
    if (last >= 0) this.#table.splice(last)
    return true
  }
}

interface Cursor {
  readonly block: Buffer
  at: number
}

function integer(cursor: Cursor, bits: number): number {
  const mask = 2 ** bits - 1
  let value = cursor.block[cursor.at++]! & mask
  if (value < mask) return value
  for (let shift = 0; ; shift += 7) {
    const byte = cursor.block[cursor.at++]!
    value += (byte & 0x7f) << shift
    if (byte < 0x80 || shift > 21) return value
  }
}

function text(cursor: Cursor): string {
  const coded = cursor.block[cursor.at]! >= 0x80
  const length = integer(cursor, 7)
  const bytes = cursor.block.subarray(cursor.at, (cursor.at += length))
  return coded ? decoded(bytes) : bytes.toString('latin1')
}

function literal(value: string): Buffer {
  if (value.length > 126) throw new Error('a header that is longer than one byte of length can say')
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')])
}

/** The Huffman code of HPACK is canonical: by length, and then by character. Those of more than 15 bits are of no use here. */
const CODES: Readonly<Record<number, string>> = {
  5: '012aceiost',
  6: ' %-./3456789=A_bdfghlmnpru',
  7: ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz',
  8: '&*,;XZ',
  10: '!"()?',
  11: "'+|",
  12: '#>',
  13: '\0$@[]~',
  14: '^}',
  15: '<`{',
}
const LONGEST = 15
const characters = new Map<string, string>()
let code = 0
for (let length = 5; length <= LONGEST; length++, code *= 2)
  for (const character of CODES[length] ?? '') characters.set((code++).toString(2).padStart(length, '0'), character)

function decoded(bytes: Buffer): string {
  let [result, bits] = ['', '']
  for (const byte of bytes)
    for (const bit of byte.toString(2).padStart(8, '0')) {
      bits += bit
      const character = characters.get(bits)
      if (character !== undefined) [result, bits] = [result + character, '']
      else if (bits.length > LONGEST) throw new Error('a header with characters that no server answers')
    }
  return result
}
