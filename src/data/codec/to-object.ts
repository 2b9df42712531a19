import type { Batch } from '../batch.ts'
import { requestJson } from '../json/to-json.ts'
import type { Signal } from '../signal.ts'
import type { JsonObject } from './json.ts'

/**
 * A request as plain objects in the shape of OTLP/JSON, to be looked at in a test or printed. This is the slow way: what
 * looks at every record uses views, what only wants the text `toJson`.
 *
 * Throws `Malformed` on bytes that are no such request.
 */
export function toObject(batch: Batch): JsonObject
export function toObject(bytes: Buffer, signal: Signal): JsonObject
export function toObject(source: Batch | Buffer, signal?: Signal): JsonObject {
  const json = Buffer.isBuffer(source) ? requestJson(signal!, [source]) : requestJson(source.signal, source.segments())
  try {
    return JSON.parse(Buffer.concat(json.pieces).toString()) as JsonObject
  } finally {
    json.release()
  }
}
