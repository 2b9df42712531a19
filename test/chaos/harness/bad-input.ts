import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { Random } from './random.ts'

/** Requests that are too deep, too large once inflated, or not what they say. All of them for logs. */
const MEBIBYTE = 1 << 20

/** `levels` AnyValues, each in a list of the one around it: ArrayValue is field 5 of an AnyValue, its values field 1. */
export function deepProtobuf(levels: number): Buffer {
  const heads: Buffer[] = []
  let inside = 0
  const wrap = (number: number) => {
    const head = Buffer.from([(number << 3) | 2, ...varint(inside)])
    heads.push(head)
    inside += head.length
  }
  for (let level = 0; level < levels; level++) {
    wrap(1)
    wrap(5)
  }
  // body 5 of a log record, log_records 2, scope_logs 2, resource_logs 1.
  for (const number of [5, 2, 2, 1]) wrap(number)
  return Buffer.concat(heads.toReversed())
}

export const deepJson = (levels: number): Buffer =>
  Buffer.from(
    `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${'{"arrayValue":{"values":['.repeat(levels)}{}${']}}'.repeat(levels)}}]}]}]}`,
  )

/** One log record with so many attributes: KeyValue is `key` 1, `value` 2. */
export function manyAttributes(count: number): Buffer {
  const attribute = Buffer.from([0x32, 11, 0x0a, 5, 0x61, 0x61, 0x61, 0x61, 0x61, 0x12, 2, 0x10, 1])
  let inside: Buffer = Buffer.concat(Array.from({ length: count }, () => attribute))
  for (const number of [2, 2, 1])
    inside = Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(inside.length)]), inside])
  return inside
}

/** A few bytes of a request changed, doubled, cut or put in. */
export function mutated(request: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(request)
  for (let change = random.integer(1, 4); change > 0; change--) {
    const at = random.integer(0, Math.max(0, bytes.length - 1))
    const length = random.integer(1, 16)
    switch (random.integer(0, 4)) {
      case 0:
        bytes[at] = random.integer(0, 255)
        break
      case 1:
        bytes = bytes.subarray(0, at)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, 0xff), bytes.subarray(at)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
        break
      default:
        bytes = Buffer.concat([bytes, bytes.subarray(at)])
    }
  }
  return bytes
}

/** Small bodies that are `mebibytes` once inflated, by content coding. */
export function bombs(mebibytes: number): Readonly<Record<string, Buffer>> {
  const zeros = Buffer.alloc(64 * MEBIBYTE)
  const times = Math.ceil(mebibytes / 64)
  const members = (one: Buffer) => Buffer.concat(Array.from({ length: times }, () => one))
  const whole = Buffer.alloc(Math.min(mebibytes, 512) * MEBIBYTE)
  return {
    gzip: members(gzipSync(zeros)),
    zstd: members(zstdCompressSync(zeros)),
    deflate: deflateSync(whole),
    zlib: deflateSync(whole),
    snappy: snappyBomb(whole.length),
    'x-snappy-framed': Buffer.concat([Buffer.from('ff060000734e61507059', 'hex'), ...framedZeros(mebibytes)]),
    'gzip, gzip': gzipSync(gzipSync(whole)),
    br: deflateRawSync(zeros),
    lz4: Buffer.alloc(MEBIBYTE),
  }
}

/** Snappy's block: its length, a literal of one zero, and copies of 64 bytes from one byte back. */
function snappyBomb(length: number): Buffer {
  const copies = Math.floor((length - 1) / 64)
  const body = Buffer.alloc(copies * 3)
  for (let index = 0; index < copies; index++) body.set([((64 - 1) << 2) | 2, 1, 0], index * 3)
  return Buffer.concat([Buffer.from([...varint(copies * 64 + 1), 0, 0]), body])
}

/** Chunks of 64 KiB; their checksums are wrong, which a reader finds only after it has inflated them. */
function framedZeros(mebibytes: number): Buffer[] {
  const block = snappyBomb(65_536 - 63)
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0])
  head.writeUIntLE(block.length + 4, 1, 3)
  const chunk = Buffer.concat([head, block])
  return Array.from({ length: mebibytes * 16 }, () => chunk)
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return [...bytes, value]
}
