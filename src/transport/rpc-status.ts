import { cursor, LENGTH, readInt32, readInt64, readLength, readTag, skip, VARINT } from '../data/wire/varint.ts'
import { Malformed } from '../data/wire/malformed.ts'
import { varint64Size, varintSize, writeTag, writeVarint, writeVarint64 } from '../data/wire/write.ts'

/**
 * `google.rpc.Status` with `google.rpc.RetryInfo` among its details (googleapis `google/rpc/status.proto` and
 * `error_details.proto`): what OTLP servers send as the body of an HTTP error and in the trailer `grpc-status-details-bin`.
 */
export interface RpcStatus {
  /** gRPC status number. */
  readonly code: number
  readonly message: string
  /** Milliseconds, from RetryInfo. */
  readonly retryDelay?: number | undefined
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'

// Status: code 1, message 2, details 3. Any: type_url 1, value 2. RetryInfo: retry_delay 1. Duration: seconds 1, nanos 2.
export function encodeRpcStatus({ code, message, retryDelay }: RpcStatus): Buffer {
  const parts = [numberField(1, BigInt(code)), bytesField(2, Buffer.from(message))]
  if (retryDelay !== undefined) {
    const seconds = Math.floor(retryDelay / 1000)
    const nanos = Math.round((retryDelay - seconds * 1000) * 1e6)
    const delay = Buffer.concat([numberField(1, BigInt(seconds)), numberField(2, BigInt(nanos))])
    const value = bytesField(1, delay)
    parts.push(bytesField(3, Buffer.concat([bytesField(1, Buffer.from(RETRY_INFO)), bytesField(2, value)])))
  }
  return Buffer.concat(parts)
}

/** The same as OTLP/JSON has it (proto3's JSON mapping). */
export function rpcStatusJson({ code, message, retryDelay }: RpcStatus): string {
  const details = retryDelay === undefined ? [] : [{ '@type': RETRY_INFO, retryDelay: `${retryDelay / 1000}s` }]
  return JSON.stringify({ code, message, ...(details.length > 0 && { details }) })
}

/** Undefined where the bytes are no such message. */
export function decodeRpcStatus(bytes: Buffer): RpcStatus | undefined {
  try {
    return readStatus(bytes)
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

/** Undefined where the text is no such object. */
export function parseRpcStatusJson(text: string): RpcStatus | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // What is not JSON is not a status either: the caller shows the text as it is.
    return undefined
  }
  const { code, message, details } = (parsed ?? {}) as Record<string, unknown>
  if (typeof message !== 'string') return undefined
  return { code: typeof code === 'number' ? code : 2, message, retryDelay: delayAmong(details) }
}

function delayAmong(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined
  for (const detail of details as (Record<string, unknown> | null)[]) {
    const match = detail?.['@type'] === RETRY_INFO && /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(String(detail['retryDelay']))
    if (match) return Math.round(Number(match[1]) * 1e6) / 1e3
  }
  return undefined
}

function readStatus(bytes: Buffer): RpcStatus {
  let code = 0
  let message = ''
  let retryDelay: number | undefined
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1 && field.wireType === VARINT) code = readInt32(bytes, field.start, field.end)
    else if (field.number === 2 && field.wireType === LENGTH) message = bytes.toString('utf8', field.start, field.end)
    else if (field.number === 3 && field.wireType === LENGTH) {
      retryDelay = readRetryInfo(bytes.subarray(field.start, field.end)) ?? retryDelay
    }
  }
  return { code, message, retryDelay }
}

function readRetryInfo(any: Buffer): number | undefined {
  let isRetryInfo = false
  let value: Buffer | undefined
  for (const field of fieldsOf(any)) {
    if (field.number === 1) isRetryInfo = any.toString('utf8', field.start, field.end) === RETRY_INFO
    else if (field.number === 2 && field.wireType === LENGTH) value = any.subarray(field.start, field.end)
  }
  if (!isRetryInfo) return undefined
  let delay = 0
  for (const field of fieldsOf(value ?? Buffer.alloc(0))) {
    if (field.number === 1 && field.wireType === LENGTH) delay = readDuration(value!.subarray(field.start, field.end))
  }
  return delay
}

function readDuration(bytes: Buffer): number {
  let milliseconds = 0
  for (const field of fieldsOf(bytes)) {
    if (field.wireType !== VARINT) continue
    const value = Number(readInt64(bytes, field.start, field.end))
    if (field.number === 1) milliseconds += value * 1000
    else if (field.number === 2) milliseconds += value / 1e6
  }
  return Math.max(0, milliseconds)
}

/** One field of a small message: `start` to `end` is its value, without a length before it. */
export interface Field {
  readonly number: number
  readonly wireType: number
  readonly start: number
  readonly end: number
}

/** The fields of a small message, in order. Throws `Malformed`. */
export function* fieldsOf(bytes: Buffer): Generator<Field> {
  for (let at = 0; at < bytes.length;) {
    const tag = readTag(bytes, at, bytes.length)
    let start = cursor.at
    let end: number
    if ((tag & 7) === LENGTH) {
      const length = readLength(bytes, start, bytes.length)
      start = cursor.at
      end = start + length
    } else end = skip(bytes, start, bytes.length, tag)
    yield { number: tag >>> 3, wireType: tag & 7, start, end }
    at = end
  }
}

function numberField(field: number, value: bigint): Buffer {
  const buffer = Buffer.allocUnsafe(1 + varint64Size(value))
  writeVarint64(buffer, writeTag(buffer, 0, field, VARINT), value)
  return buffer
}

function bytesField(field: number, bytes: Buffer): Buffer {
  const head = Buffer.allocUnsafe(1 + varintSize(bytes.length))
  writeVarint(head, writeTag(head, 0, field, LENGTH), bytes.length)
  return Buffer.concat([head, bytes])
}
