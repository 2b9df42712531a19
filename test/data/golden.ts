/** The requests in `golden/`, which Google's own protobuf wrote and which have every field of OTLP. */
import { readFileSync } from 'node:fs'
import type { JsonObject } from '../../src/data/codec/json.ts'
import type { Signal } from '../../src/data/signal.ts'

export function golden(signal: Signal): Buffer {
  // Copied, so that it is a Buffer of its own size and no slice of a pool.
  return Buffer.concat([readFileSync(new URL(`golden/${signal}.bin`, import.meta.url))])
}

export function goldenObject(signal: Signal): JsonObject {
  return JSON.parse(readFileSync(new URL(`golden/${signal}.jsonl`, import.meta.url), 'utf8')) as JsonObject
}
