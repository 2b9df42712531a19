import { SlabPool, slabs } from '../memory/slab-pool.ts'
import type { Slab } from '../memory/slab.ts'
import type { Signal } from '../signal.ts'
import { pathAt } from './json-path.ts'
import { JsonReader } from './json-reader.ts'
import { MalformedJson } from './malformed-json.ts'
import { REQUEST_TABLES } from './table.ts'
import type { Wire } from './wire-output.ts'

export type { Wire } from './wire-output.ts'

/**
 * The wire bytes of an OTLP/JSON request (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), which stay
 * what they are; `json` is exactly the request. Memory is taken by `reserve`, which may throw to refuse it.
 *
 * Takes what the Collector and other readers of protobuf's JSON take too: names in snake_case, 64-bit integers as numbers and
 * smaller ones as strings, exactly; whole numbers written with a fraction or exponent; enums by name; base64 of either
 * alphabet, padded or not; ids in either case; `null` for what is absent, in a oneof for what is empty. Unknown members are gone past. What comes twice
 * is as on the wire: the last value counts, messages are merged, lists joined; of a oneof the last member counts.
 * Throws `MalformedJson` otherwise, with the place.
 */
export function fromJson(signal: Signal, json: Buffer, reserve: (bytes: number) => Slab = takeSlab): Wire {
  try {
    return fitted(reader.read(REQUEST_TABLES[signal], json, reserve), reserve)
  } catch (error) {
    throw error instanceof MalformedJson ? error.at(pathAt(json, error.offset)) : error
  }
}

/** One for all requests, as reading one is not interrupted: compiled code is thrown away with the last object of its kind. */
const reader = new JsonReader()

const takeSlab = (bytes: number): Slab => slabs.take(bytes)

/** What is to stay does not hold much more memory than it needs. */
function fitted(wire: Wire, reserve: (bytes: number) => Slab): Wire {
  const { slab, length } = wire
  if (SlabPool.capacity(length) * 2 > slab.capacity) return wire
  try {
    const smaller = reserve(length)
    slab.buffer.copy(smaller.buffer, 0, 0, length)
    return { slab: smaller, length }
  } finally {
    slab.release()
  }
}
