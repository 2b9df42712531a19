import { addressText } from '../../socket/address.ts'
import { TYPE_A, TYPE_AAAA, TYPE_OPT } from './codes.ts'
import { readName, skipName } from './name.ts'

/** A DNS message (RFC 1035 4.1), as far as it was captured. */
export interface Message {
  readonly id: number
  readonly isResponse: boolean
  readonly operation: number
  /** `AA`, `TC`, `RD`, `RA`, `AD`, `CD`: those that are set. */
  readonly flags: readonly string[]
  /** With the upper bits of EDNS, where it has them. */
  readonly responseCode: number
  /** The first one. Absent in some responses to what a server could not read. */
  readonly question?: Question
  /** As the header says, captured or not. */
  readonly answers: number
  /** Of the answers that were captured: `192.0.2.1`, `2001:db8::1`. */
  readonly addresses: readonly string[]
  readonly edns?: Edns
}

export interface Question {
  readonly name: string
  readonly type: number
}

export interface Edns {
  readonly version: number
  /** Bytes that the sender takes by UDP. */
  readonly udpBytes: number
  readonly wantsDnssec: boolean
}

export const HEADER_BYTES = 12
const RESPONSE = 0x8000
/** Of one message: more are not looked at. */
const QUESTIONS_MAX = 4
const RECORDS_MAX = 128
export const ADDRESSES_MAX = 16
/** Of a record, behind its name: type, class, time to live, length. */
const RECORD_BYTES = 10

/** Reads the message in `bytes` from `start` to `end`; undefined where it is none. It may be cut: what is missing is not read. */
export function readMessage(bytes: Buffer, start: number, end: number): Message | undefined {
  if (end - start < HEADER_BYTES || end > bytes.length) return undefined
  const flags = bytes.readUInt16BE(start + 2)
  const questions = bytes.readUInt16BE(start + 4)
  if (questions > QUESTIONS_MAX) return undefined
  const asked = readQuestions(bytes, start, end, questions)
  if (!asked) return undefined
  const records = readRecords(bytes, start, asked.next, end)
  return {
    id: bytes.readUInt16BE(start),
    isResponse: (flags & RESPONSE) !== 0,
    operation: (flags >> 11) & 15,
    flags: FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name),
    responseCode: (records.upperCode << 4) | (flags & 15),
    answers: bytes.readUInt16BE(start + 6),
    addresses: records.addresses,
    ...(asked.question && { question: asked.question }),
    ...(records.edns && { edns: records.edns }),
  }
}

const FLAGS: readonly (readonly [number, string])[] = [
  [0x0400, 'AA'],
  [0x0200, 'TC'],
  [0x0100, 'RD'],
  [0x0080, 'RA'],
  [0x0020, 'AD'],
  [0x0010, 'CD'],
]

function readQuestions(bytes: Buffer, start: number, end: number, count: number) {
  let question: Question | undefined
  let next = start + HEADER_BYTES
  for (let index = 0; index < count; index++) {
    const read = readName(bytes, start, next, end)
    if (!read || read.next + 4 > end) return undefined
    question ??= { name: read.name, type: bytes.readUInt16BE(read.next) }
    next = read.next + 4
  }
  return { question, next }
}

interface Records {
  readonly addresses: string[]
  edns?: Edns
  upperCode: number
}

/** Answers, authorities and additional records, in this order, until one is not whole. */
function readRecords(bytes: Buffer, start: number, at: number, end: number): Records {
  const found: Records = { addresses: [], upperCode: 0 }
  const answers = bytes.readUInt16BE(start + 6)
  const all = answers + bytes.readUInt16BE(start + 8) + bytes.readUInt16BE(start + 10)
  let next = at
  for (let index = 0; index < all && index < RECORDS_MAX; index++) {
    const fields = skipName(bytes, next, end)
    if (fields === undefined || fields + RECORD_BYTES > end) return found
    const data = fields + RECORD_BYTES
    const length = bytes.readUInt16BE(fields + 8)
    const type = bytes.readUInt16BE(fields)
    if (type === TYPE_OPT) readEdns(bytes, fields, found)
    if (data + length > end) return found
    if (index < answers) readAddress(bytes, data, length, type, found.addresses)
    next = data + length
  }
  return found
}

/** RFC 6891 6.1.3: of a record OPT, class and time to live mean something else. */
function readEdns(bytes: Buffer, fields: number, found: Records): void {
  if (found.edns) return
  found.upperCode = bytes[fields + 4]!
  found.edns = {
    udpBytes: bytes.readUInt16BE(fields + 2),
    version: bytes[fields + 5]!,
    wantsDnssec: (bytes[fields + 6]! & 0x80) !== 0,
  }
}

function readAddress(bytes: Buffer, at: number, length: number, type: number, addresses: string[]): void {
  const isVersion6 = type === TYPE_AAAA
  if (addresses.length >= ADDRESSES_MAX || length !== (isVersion6 ? 16 : 4) || (!isVersion6 && type !== TYPE_A)) return
  addresses.push(addressText(bytes.toString('latin1', at, at + length), 0, isVersion6))
}
