import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { AlternatingFiles } from './alternating-files.ts'
import { decodeCheckpoint } from './checkpoint.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Disk } from './disk.ts'
import { isUnreadable, readFully } from './files.ts'
import type { File } from './files.ts'
import { KeyRanges } from './key-ranges.ts'
import { Ledger } from './ledger.ts'
import type { OnLost } from './ledger.ts'
import { MAX_UNREADABLE_PAGES, RecordCursor } from './record-cursor.ts'
import {
  decodeEnd,
  decodeHead,
  END_BYTES,
  guessSalt,
  HEAD_BYTES,
  HEADER_BYTES,
  resemblesEnd,
  SALT_BYTES,
  VERSION,
} from './segment-format.ts'
import type { RecordHeader } from './segment-format.ts'
import { emptySegment, keyOfName } from './segment.ts'
import type { Segment } from './segment.ts'

/** Bytes of a segment that are looked at together when only headers matter. */
const SCAN_WINDOW_BYTES = 16 * 1024

export interface Recovered {
  readonly ledger: Ledger
  readonly salt: Buffer
}

interface Found {
  readonly path: string
  readonly firstKey: number
  readonly size: number
  readonly salt: Buffer | undefined
}

/**
 * What a queue's folder holds, in whatever state it was left. Segments that were closed are believed by their last bytes; of the others,
 * and of those of which a part is settled, the headers are read. Nothing is kept for each record.
 */
export async function recover(
  folder: string,
  checkpoints: AlternatingFiles,
  disk: Disk,
  onLost: OnLost,
): Promise<Recovered> {
  const { log } = disk.options
  const { body, damaged } = await checkpoints.read()
  const checkpoint = body && decodeCheckpoint(body)
  if (damaged || (body && !checkpoint))
    log.warn({ folder }, 'No checkpoint of a queue is sound: what it holds is sent once more')
  const { found, firstAside } = await findSegments(folder, checkpoint, disk)
  const salt = checkpoint?.salt ?? found.find((each) => each.salt)?.salt ?? randomBytes(SALT_BYTES)
  const settled = checkpoint?.settled ?? new KeyRanges()
  // Without a checkpoint nobody knows what came before the first segment: it was deleted as settled.
  if (!checkpoint) settled.add(0, Math.min(found[0]?.firstKey ?? 0, firstAside ?? Infinity))
  const segments: Segment[] = []
  const torn: Segment[] = []
  for (const [index, each] of found.entries()) {
    const next = found[index + 1]
    const { segment, isTorn } = await measure(each, salt, settled, next?.firstKey, disk)
    disk.take(segment.size)
    segments.push(segment)
    if (isTorn && !next) torn.push(segment)
  }
  const last = segments.at(-1)
  const nextKey = Math.max(checkpoint?.nextKey ?? 0, last?.endKey ?? 0, firstAside === undefined ? 0 : firstAside + 1)
  const ledger = new Ledger(settled, segments, nextKey, onLost)
  for (const segment of torn) ledger.loseKeys(segment, segment.endKey - 1, segment.endKey, 'torn')
  reportGaps(ledger, firstAside === undefined ? 'missing' : 'set_aside', folder, onLost)
  return { ledger, salt }
}

/** The segments, ascending; what is none of ours, or of another version, is set aside. */
async function findSegments(folder: string, checkpoint: Checkpoint | undefined, disk: Disk) {
  const { files, log } = disk.options
  const keys = (await files.list(folder)).flatMap((name) => {
    const key = keyOfName(name)
    return key === undefined ? [] : [{ key, path: join(folder, name) }]
  })
  const found: Found[] = []
  let firstAside: number | undefined
  let salt = checkpoint?.salt
  for (const { key, path } of keys.toSorted((one, other) => one.key - other.key)) {
    const size = await files.size(path)
    const { head, guess } = await readHead(path, disk)
    const fault = faultOf(head, guess, key, size, salt)
    if (fault === undefined) {
      if (!head) log.warn({ path }, 'The head of a segment is damaged; its records are read all the same')
      salt ??= head?.salt ?? guess
      found.push({ path, firstKey: key, size, salt: head?.salt ?? guess })
    } else if (fault === 'empty') {
      await files.remove(path)
    } else {
      log.error({ path }, fault)
      await disk.setAside(path)
      firstAside ??= key
    }
  }
  return { found, firstAside }
}

type Head = ReturnType<typeof decodeHead>

function faultOf(head: Head, guess: Buffer | undefined, key: number, size: number, salt: Buffer | undefined) {
  if (head && head.version !== VERSION)
    return `A segment has format version ${head.version}, and this Telegen reads version ${VERSION}: it takes the Telegen that wrote it`
  if (head && head.firstKey !== key) return 'A segment is not the one that its name says: a copy of another'
  if (head && salt && !salt.equals(head.salt)) return 'A segment belongs to another queue'
  // A process was killed when it had just made it.
  if (size < HEAD_BYTES + HEADER_BYTES) return 'empty'
  if (!head && !guess && !salt) return 'A segment has no sound head and no sound record at its beginning'
  return undefined
}

async function readHead(path: string, disk: Disk) {
  const file = await disk.open(path, 'r')
  try {
    const bytes = Buffer.alloc(HEAD_BYTES + HEADER_BYTES)
    const length = await readWhatCan(file, bytes, 0)
    return { head: decodeHead(bytes.subarray(0, length)), guess: guessSalt(bytes.subarray(0, length)) }
  } finally {
    await file.close()
  }
}

/** Finds out what is in a segment. Records from the key `limit` on are no records: appends that failed, and were made again in the next. */
async function measure(found: Found, salt: Buffer, settled: KeyRanges, limit: number | undefined, disk: Disk) {
  const { path, firstKey, size } = found
  const segment = { ...emptySegment(path, firstKey, salt), size, sealed: true }
  const file = await disk.open(path, 'r')
  try {
    const closed = await readEnd(file, size, salt)
    if (closed && closed.endKey <= (limit ?? Infinity) && settled.count(firstKey, closed.endKey) === 0) {
      segment.end = size - END_BYTES
      segment.endKey = closed.endKey
      Object.assign(segment.unread, closed.totals)
      segment.unread.records = segment.unsettled = closed.endKey - firstKey
      return { segment, isTorn: false }
    }
    const { endKey, isTorn } = await scan(file, segment, settled, closed ? size - END_BYTES : size, limit)
    segment.endKey = Math.min(closed?.endKey ?? endKey, limit ?? Infinity)
    segment.unread.records = segment.unsettled = segment.endKey - firstKey - settled.count(firstKey, segment.endKey)
    return { segment, isTorn: isTorn && !closed }
  } finally {
    await file.close()
  }
}

/** Reads all headers; a torn end takes a key, so that what is torn is counted once and no new record has its name. */
async function scan(file: File, segment: Segment, settled: KeyRanges, end: number, limit = Infinity) {
  const cursor = new RecordCursor(file, segment.salt, {
    offset: HEAD_BYTES,
    end,
    window: Buffer.allocUnsafe(SCAN_WINDOW_BYTES),
  })
  let endKey = segment.firstKey
  segment.end = HEAD_BYTES
  for (;;) {
    const header = await readable(cursor)
    if (!header || header.key >= limit) break
    if (header.key < endKey) continue
    endKey = header.key + 1
    segment.end = cursor.offset
    if (settled.has(header.key)) continue
    segment.unread.items += header.items
    segment.unread.bytes += header.length
  }
  const isTorn = segment.end < end && endKey < limit && !(await isDamagedEnd(file, segment, end, endKey))
  return { endKey: isTorn && limit === Infinity ? endKey + 1 : endKey, isTorn }
}

/** The next header, over what the disk cannot read. */
async function readable(cursor: RecordCursor): Promise<RecordHeader | undefined> {
  for (let skipped = 0; ; skipped++) {
    try {
      return await cursor.next()
    } catch (error) {
      if (!isUnreadable(error)) throw error
      if (skipped === MAX_UNREADABLE_PAGES) return undefined
      cursor.skipUnreadable()
    }
  }
}

async function isDamagedEnd(file: File, segment: Segment, end: number, endKey: number): Promise<boolean> {
  if (end - segment.end > END_BYTES) return false
  const bytes = Buffer.alloc(end - segment.end)
  await readWhatCan(file, bytes, segment.end)
  return resemblesEnd(bytes, segment.salt, endKey)
}

async function readEnd(file: File, size: number, salt: Buffer) {
  if (size < HEAD_BYTES + END_BYTES) return undefined
  const bytes = Buffer.alloc(END_BYTES)
  await readWhatCan(file, bytes, size - END_BYTES)
  return decodeEnd(bytes, size - END_BYTES, salt)
}

/** What the disk cannot read stays zero, which is no head and no end. */
async function readWhatCan(file: File, bytes: Buffer, at: number): Promise<number> {
  try {
    return await readFully(file, bytes, at)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return 0
  }
}

/** Keys that are neither settled nor in any segment. */
function reportGaps(ledger: Ledger, reason: 'missing' | 'set_aside', path: string, onLost: OnLost): void {
  const { segments, settled, nextKey } = ledger
  let from = 0
  let records = 0
  for (const { firstKey, endKey } of [...segments, { firstKey: nextKey, endKey: nextKey }]) {
    records += Math.max(0, firstKey - from - settled.count(from, firstKey))
    settled.add(from, firstKey)
    from = Math.max(from, endKey)
  }
  if (records > 0) onLost(reason, { records, items: 0, path })
}
