import { Double } from '../data/steps/value.ts'
import type { Value } from '../data/steps/step.ts'

/** A value from a configuration as attributes hold it. It has no fault. */
export function attributeValue(written: unknown): Value {
  if (written instanceof Double) return written
  if (Array.isArray(written)) return written.map(attributeValue)
  if (typeof written === 'object' && written !== null)
    return new Map(Object.entries(written).map(([key, value]) => [key, attributeValue(value)]))
  return written as Value
}

/** Why a value from a configuration cannot stand in an attribute; undefined where it can. */
export function unfitFor(written: unknown): string | undefined {
  if (written === null || written === undefined) return 'an attribute cannot hold nothing'
  if (written instanceof Double) return undefined
  if (Array.isArray(written)) return firstUnfit(written)
  switch (typeof written) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return undefined
    case 'object':
      return firstUnfit(Object.values(written))
    default:
      return `an attribute cannot hold a ${typeof written}`
  }
}

function firstUnfit(values: readonly unknown[]): string | undefined {
  for (const value of values) {
    const unfit = unfitFor(value)
    if (unfit !== undefined) return unfit
  }
  return undefined
}

/** The name of a value's kind, as the Collector calls it. */
export function valueKind(written: unknown): string {
  if (Array.isArray(written)) return 'Slice'
  if (written instanceof Double) return 'Double'
  switch (typeof written) {
    case 'string':
      return 'Str'
    case 'boolean':
      return 'Bool'
    case 'bigint':
      return 'Int'
    case 'number':
      return Number.isInteger(written) ? 'Int' : 'Double'
    default:
      return written === null || written === undefined ? 'Empty' : 'Map'
  }
}
