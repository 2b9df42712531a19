import { join } from 'node:path'
import { HEAD_BYTES } from './segment-format.ts'
import type { RecordHeader, Totals } from './segment-format.ts'

/** A file of records, as the queue knows it: sums, and nothing of each record. */
export interface Segment {
  readonly path: string
  readonly firstKey: number
  /** The key behind its last record. */
  endKey: number
  readonly salt: Buffer
  /** Where its records end: what lies beyond was never durable. */
  end: number
  /** Bytes on disk. */
  size: number
  /** No record is added any more. */
  sealed: boolean
  /** Behind the end there are records that were refused, and could not be cut off yet. */
  hasTail: boolean
  /** Keys that are not settled. */
  unsettled: number
  /** What nobody has got. Items and bytes are those of records whose headers could be read. */
  readonly unread: Totals
}

/** A record that somebody has, or has given back. */
export interface Place extends RecordHeader {
  readonly segment: Segment
}

const SUFFIX = '.segment'
const KEY_DIGITS = 15

export const emptySegment = (path: string, firstKey: number, salt: Buffer): Segment => ({
  path,
  firstKey,
  endKey: firstKey,
  salt,
  end: HEAD_BYTES,
  size: 0,
  sealed: false,
  hasTail: false,
  unsettled: 0,
  unread: { records: 0, items: 0, bytes: 0 },
})

/** Segments are named after their first key, so that their order and what is missing between them can be seen. */
export const segmentPath = (folder: string, firstKey: number): string =>
  join(folder, `${String(firstKey).padStart(KEY_DIGITS, '0')}${SUFFIX}`)

/** The first key that a file's name tells; undefined where it is no segment. */
export function keyOfName(name: string): number | undefined {
  if (!name.endsWith(SUFFIX)) return undefined
  const digits = name.slice(0, -SUFFIX.length)
  return /^\d{15}$/.test(digits) ? Number(digits) : undefined
}
