import { type Batch, overdrawnSlab } from '../batch.ts'
import type { ByteBudget } from '../memory/byte-budget.ts'
import type { Signal } from '../signal.ts'
import { type Json, JsonOutput } from './json-output.ts'
import { writeJson } from './json-writer.ts'
import { REQUEST_TABLES } from './table.ts'

export type { Json } from './json-output.ts'

/**
 * A batch as the OTLP/JSON request that it is, in pieces. The memory is charged where the batch is, as inside work.
 *
 * Defaults are left out where they mean the same as an absent field, unknown fields always; 64-bit integers are decimal
 * strings, enums integers, ids hexadecimal; bytes that are not UTF-8 become U+FFFD. What was written twice is what
 * protobuf takes it for. Throws `Malformed` on bytes that are no such request, and `Overdrawn` past the budget's bound.
 */
export function toJson(batch: Batch): Json {
  return requestJson(batch.signal, batch.segments(), batch.budget)
}

/** The same of segments that are a request together; charged to `budget`, where there is one. */
export function requestJson(signal: Signal, segments: readonly Buffer[], budget?: ByteBudget): Json {
  output.begin((bytes) => overdrawnSlab(bytes, budget))
  try {
    writeJson(output, REQUEST_TABLES[signal], segments)
    return output.finish()
  } catch (error) {
    output.drop()
    throw error
  }
}

/** One for all requests, as writing one is not interrupted: compiled code is thrown away with the last object of its kind. */
const output = new JsonOutput()
