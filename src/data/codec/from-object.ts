import { type Batch, batchOfSlab } from '../batch.ts'
import { fromJson } from '../json/from-json.ts'
import { MalformedJson } from '../json/malformed-json.ts'
import { count } from '../kernels/count.ts'
import { DEEPEST } from '../kernels/validate.ts'
import type { Signal } from '../signal.ts'
import { MalformedObject } from './json.ts'

/**
 * The batch that an object in the shape of OTLP/JSON stands for, not charged to any budget.
 *
 * Takes what `fromJson` takes, bigints for 64-bit integers, and any double. Only what an object itself has is read. Throws
 * `MalformedObject` otherwise, with the place.
 */
export function fromObject<S extends Signal>(signal: S, object: unknown): Batch<S> {
  if (isDeeper(object, DEEPEST * 2)) throw new MalformedObject('', `is nested more than ${DEEPEST} messages deep`)
  try {
    const { slab, length } = fromJson(signal, Buffer.from(JSON.stringify(object, whatJsonLacks) ?? ''))
    return batchOfSlab(signal, count(signal, slab.buffer.subarray(0, length)), slab, length)
  } catch (error) {
    throw error instanceof MalformedJson ? new MalformedObject(error.path, error.reason) : error
  }
}

/** Numbers that JSON cannot write, as OTLP/JSON has them. */
function whatJsonLacks(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'number') return value
  if (Object.is(value, -0)) return '-0'
  return Number.isFinite(value) ? value : String(value)
}

/** Asked first, because `JSON.stringify` knows no bound but the stack. A message in a list is two levels. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}
