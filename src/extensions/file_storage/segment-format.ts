import { checksumOf } from './checksum.ts'

/**
 * The files of a queue, format version 1. Numbers are little-endian.
 *
 *     segment = head head record* end?
 *     head    = magic(8) version(4) first-key(6) zero(2) salt(8) checksum(4)
 *     record  = header contents
 *     header  = salt(8) key(6) kind(2) length(4) items(4) checksum-of-contents(4) checksum-of-header(4)
 *     end     = header contents, where the key is that of the next segment and the contents are what the segment holds
 *
 * The salt, random and one for a queue, is what a search for the next record looks for after a damaged one, and what no sender of
 * telemetry can know. The checksum of a header begins with its place in the file: a copy of it elsewhere, in the contents of a record,
 * is none. Magic, version and checksum of the head stay where they are in every later version.
 */
export const VERSION = 1
export const SALT_BYTES = 8
const COPY_BYTES = 32
/** The head is written twice: one flipped byte must not cost a segment. */
export const HEAD_BYTES = 2 * COPY_BYTES
export const HEADER_BYTES = 32
const END_CONTENT_BYTES = 18
/** Where the kind of a header ends. */
const KIND_END = 16
/** And where its items do, its length before them. */
const ITEMS_END = 24
export const END_BYTES = HEADER_BYTES + END_CONTENT_BYTES
/** What a file of one record takes besides its contents. */
export const SEGMENT_OVERHEAD_BYTES = HEAD_BYTES + HEADER_BYTES + END_BYTES
/** Records larger than this are refused, and headers that say so are damaged. */
export const MAX_RECORD_BYTES = 256 * 1024 * 1024

const MAGIC = Buffer.from('TLGNSEG\n', 'latin1')
const RECORD = 1
const END = 2

export interface Head {
  readonly version: number
  readonly firstKey: number
  readonly salt: Buffer
}

export interface RecordHeader {
  readonly key: number
  readonly items: number
  /** Bytes of the contents. */
  readonly length: number
  /** Of the contents. */
  readonly checksum: number
  /** Where the contents begin in the file. */
  readonly at: number
}

/** Records, and what is in them. */
export interface Totals {
  records: number
  items: number
  bytes: number
}

export function encodeHead(firstKey: number, salt: Buffer): Buffer {
  const copy = Buffer.alloc(COPY_BYTES)
  MAGIC.copy(copy)
  copy.writeUInt32LE(VERSION, 8)
  copy.writeUIntLE(firstKey, 12, 6)
  salt.copy(copy, 20)
  copy.writeUInt32LE(checksumOf([copy.subarray(0, 28)]), 28)
  return Buffer.concat([copy, copy])
}

/** The first copy that is sound. */
export function decodeHead(bytes: Buffer): Head | undefined {
  for (const at of [0, COPY_BYTES]) {
    const copy = bytes.subarray(at, at + COPY_BYTES)
    if (copy.length < COPY_BYTES || !copy.subarray(0, MAGIC.length).equals(MAGIC)) continue
    if (copy.readUInt32LE(28) !== checksumOf([copy.subarray(0, 28)])) continue
    return {
      version: copy.readUInt32LE(8),
      firstKey: copy.readUIntLE(12, 6),
      salt: Buffer.from(copy.subarray(20, 20 + SALT_BYTES)),
    }
  }
  return undefined
}

export interface Written {
  readonly key: number
  readonly items: number
  readonly length: number
  readonly checksum: number
}

/** The header of a record that begins `at` there in the file. */
export const encodeHeader = (salt: Buffer, at: number, record: Written): Buffer => encode(salt, at, RECORD, record)

/** What closes a segment, as it stands `at` there. */
export function encodeEnd(salt: Buffer, at: number, nextKey: number, { records, items, bytes }: Totals): Buffer {
  const contents = Buffer.alloc(END_CONTENT_BYTES)
  contents.writeUIntLE(records, 0, 6)
  contents.writeUIntLE(items, 6, 6)
  contents.writeUIntLE(bytes, 12, 6)
  const checksum = checksumOf([contents])
  return Buffer.concat([encode(salt, at, END, { key: nextKey, items: 0, length: contents.length, checksum }), contents])
}

function encode(salt: Buffer, at: number, kind: number, { key, items, length, checksum }: Written): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  salt.copy(header)
  header.writeUIntLE(key, 8, 6)
  header.writeUInt16LE(kind, 14)
  header.writeUInt32LE(length, 16)
  header.writeUInt32LE(items, 20)
  header.writeUInt32LE(checksum, 24)
  header.writeUInt32LE(checksumOf([header.subarray(0, 28)], at), 28)
  return header
}

/** The sound header at `offset` of `bytes`, which is `at` there in the file; `end` where the segment says that it ends. */
export function decodeHeader(
  bytes: Buffer,
  offset: number,
  at: number,
  salt: Buffer,
): RecordHeader | 'end' | undefined {
  if (offset + HEADER_BYTES > bytes.length || salt.compare(bytes, offset, offset + SALT_BYTES) !== 0) return undefined
  if (bytes.readUInt32LE(offset + 28) !== checksumOf([bytes.subarray(offset, offset + 28)], at)) return undefined
  const kind = bytes.readUInt16LE(offset + 14)
  const length = bytes.readUInt32LE(offset + 16)
  if (kind === END) return 'end'
  if (kind !== RECORD || length > MAX_RECORD_BYTES) return undefined
  return {
    key: bytes.readUIntLE(offset + 8, 6),
    items: bytes.readUInt32LE(offset + 20),
    length,
    checksum: bytes.readUInt32LE(offset + 24),
    at: at + HEADER_BYTES,
  }
}

/** What a closed segment says of itself: its last bytes, which are `at` there in the file. */
export function decodeEnd(bytes: Buffer, at: number, salt: Buffer): { endKey: number; totals: Totals } | undefined {
  if (bytes.length !== END_BYTES || decodeHeader(bytes, 0, at, salt) !== 'end') return undefined
  const contents = bytes.subarray(HEADER_BYTES)
  if (checksumOf([contents]) !== bytes.readUInt32LE(24)) return undefined
  return {
    endKey: bytes.readUIntLE(8, 6),
    totals: { records: contents.readUIntLE(0, 6), items: contents.readUIntLE(6, 6), bytes: contents.readUIntLE(12, 6) },
  }
}

/**
 * Whether what stands behind the last record is meant to be the end, with a byte of it flipped or without its last ones. A record differs from it in its
 * kind, its length and its items.
 */
export function resemblesEnd(bytes: Buffer, salt: Buffer, endKey: number): boolean {
  if (bytes.length > END_BYTES || bytes.length < KIND_END) return false
  const meant = encode(salt, 0, END, { key: endKey, items: 0, length: END_CONTENT_BYTES, checksum: 0 })
  const compared = Math.min(bytes.length, ITEMS_END)
  if (compared < ITEMS_END && bytes.readUInt16LE(KIND_END - 2) === RECORD) return false
  let different = 0
  for (let at = 0; at < compared; at++) if (bytes[at] !== meant[at]) different++
  return different <= 1
}

/** The salt of a segment whose head is lost, from its first record, where that is sound. */
export function guessSalt(bytes: Buffer): Buffer | undefined {
  const salt = Buffer.from(bytes.subarray(HEAD_BYTES, HEAD_BYTES + SALT_BYTES))
  if (salt.length < SALT_BYTES) return undefined
  return decodeHeader(bytes, HEAD_BYTES, HEAD_BYTES, salt) === undefined ? undefined : salt
}
