import type { Origin } from '../component/delivery.ts'
import { SIGNALS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'

/**
 * A delivery as a queue on disk keeps it: `TG`, the version of this format, the signal's number, the length of the header in four bytes
 * (little endian), the header as JSON, and the batch as on the wire. That it came back as it was written is the storage's care.
 */
const MAGIC = 0x4754
const VERSION = 1
const FIXED = 8
/** What an origin and its wrapping take, where nobody has looked yet: the gate asks before there is a record. */
export const HEADER_GUESS = 256

/** Metadata that says who somebody is rather than what the data is stays in memory: a disk is read by others, and for longer. */
const CREDENTIAL =
  /authori[sz]ation|cookie|password|passphrase|passwd|secret|token|credential|api[-_]?key|session|signature|-jwt|^x-amz-security/i

/** Longest header that is read. */
const MAX_HEADER = 1024 * 1024

export interface Decoded {
  readonly origin: Origin
  /** When the sender took it first, milliseconds since the Unix epoch. */
  readonly at: number
  /** Where the batch begins. */
  readonly start: number
}

interface Header {
  readonly at: number
  readonly metadata?: readonly (readonly [string, readonly string[]])[]
  readonly peer?: string
  readonly transport?: string
  readonly tenant?: string
}

/** What stands before the batch's own bytes. */
export function encodeHeader(signal: Signal, { metadata, peer, transport, tenant }: Origin, at: number): Buffer {
  const kept = [...metadata].filter(([key]) => !CREDENTIAL.test(key))
  const header: Header = {
    at,
    ...(kept.length > 0 && { metadata: kept }),
    ...(peer !== undefined && { peer }),
    ...(transport !== undefined && { transport }),
    ...(tenant !== undefined && { tenant }),
  }
  const text = Buffer.from(JSON.stringify(header))
  const fixed = Buffer.alloc(FIXED)
  fixed.writeUInt16LE(MAGIC, 0)
  fixed[2] = VERSION
  fixed[3] = SIGNALS.indexOf(signal)
  fixed.writeUInt32LE(text.length, 4)
  return Buffer.concat([fixed, text])
}

/** Throws where that is no record of `signal`. */
export function decodeRecord(record: Buffer, signal: Signal): Decoded {
  if (record.length < FIXED || record.readUInt16LE(0) !== MAGIC) throw new Error('it does not begin as a record does')
  if (record[2] !== VERSION) throw new Error(`it has version ${record[2]}, and this Telegen reads version ${VERSION}`)
  const found = SIGNALS[record[3] as number]
  if (found !== signal) throw new Error(`it holds ${found ?? 'no known signal'}, not ${signal}`)
  const start = FIXED + record.readUInt32LE(4)
  if (start > record.length || start > MAX_HEADER) throw new Error('its header is longer than itself')
  const header = readHeader(record.toString('utf8', FIXED, start))
  const { at, metadata = [], peer, transport, tenant } = header
  return {
    at,
    start,
    origin: {
      metadata: new Map(metadata),
      ...(peer !== undefined && { peer }),
      ...(transport !== undefined && { transport }),
      ...(tenant !== undefined && { tenant }),
    },
  }
}

function readHeader(text: string): Header {
  const header = JSON.parse(text) as unknown
  if (!isHeader(header)) throw new Error('its header is not one')
  return header
}

function isHeader(header: unknown): header is Header {
  if (typeof header !== 'object' || header === null) return false
  const { at, metadata = [], ...rest } = header as Partial<Record<keyof Header, unknown>>
  return (
    typeof at === 'number' &&
    Array.isArray(metadata) &&
    metadata.every(
      (each) => Array.isArray(each) && each.length === 2 && typeof each[0] === 'string' && isTexts(each[1]),
    ) &&
    [rest.peer, rest.transport, rest.tenant].every((each) => each === undefined || typeof each === 'string')
  )
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === 'string')
