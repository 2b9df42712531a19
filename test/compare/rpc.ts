/** google.rpc.Status and OTLP's answers, by protobuf.js. */
import protobuf from 'protobufjs'
import type { JsonObject } from './json.ts'
import type { Signal } from './oracle.ts'

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message PartialSuccess { int64 rejected = 1; string error_message = 2; }
  message Response { PartialSuccess partial_success = 1; }
`)
const [Status, RetryInfo, Response] = ['Status', 'RetryInfo', 'Response'].map((name) => root.lookupType(name)) as [
  protobuf.Type,
  protobuf.Type,
  protobuf.Type,
]
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'
const REJECTED: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
  profiles: 'rejectedProfiles',
}

interface StatusGiven {
  readonly code: number
  readonly message: string
  readonly retryAfter?: number
}

export function rpcStatus({ code, message, retryAfter }: StatusGiven, json: boolean): Buffer {
  if (json) return Buffer.from(JSON.stringify({ code, message }))
  const value = (seconds: number) =>
    RetryInfo.encode({ retryDelay: { seconds: Math.floor(seconds), nanos: Math.round((seconds % 1) * 1e9) } }).finish()
  const details = retryAfter === undefined ? [] : [{ typeUrl: RETRY_INFO, value: value(retryAfter) }]
  return Buffer.from(Status.encode({ code, message, details }).finish())
}

/** A successful answer, partial where something was rejected. */
export function response(
  signal: Signal,
  { rejected, message }: { rejected?: number; message?: string },
  json: boolean,
): Buffer {
  const partial = rejected !== undefined || message !== undefined
  if (json)
    return Buffer.from(
      JSON.stringify(
        partial ? { partialSuccess: { [REJECTED[signal]]: String(rejected ?? 0), errorMessage: message ?? '' } } : {},
      ),
    )
  if (!partial) return Buffer.alloc(0)
  return Buffer.from(
    Response.encode({ partialSuccess: { rejected: rejected ?? 0, errorMessage: message ?? '' } }).finish(),
  )
}

/** The parts of a status that a sender acts on: `retry_delay` in seconds. */
export function readStatus(bytes: Buffer): JsonObject {
  const status = Status.decode(bytes) as unknown as {
    code: number
    message: string
    details: { typeUrl: string; value: Buffer }[]
  }
  const read: JsonObject = { code: status.code, message: status.message }
  for (const { typeUrl, value } of status.details) {
    if (typeUrl !== RETRY_INFO) continue
    const { retryDelay } = RetryInfo.toObject(RetryInfo.decode(value), { longs: Number, defaults: true }) as {
      retryDelay: { seconds: number; nanos: number }
    }
    read['retry_delay'] = retryDelay.seconds + retryDelay.nanos / 1e9
  }
  return read
}

/** A successful answer as far as it says something: a partial success that rejects nothing and has no words is none. */
export function readResponse(bytes: Buffer): JsonObject {
  return whole(Response.toObject(Response.decode(bytes), { longs: Number }))
}

export function whole({ partialSuccess, ...rest }: JsonObject): JsonObject {
  return partialSuccess === undefined || Object.keys(partialSuccess as JsonObject).length === 0
    ? rest
    : { ...rest, partialSuccess }
}
