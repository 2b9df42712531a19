import { Double, type Value } from './step.ts'

/** Whether two values are equal: of the same kind with all in them where `typed`, else numbers as numbers. */
export function equal(a: Value, b: Value, typed: boolean): boolean {
  const numberA = numberOf(a)
  const numberB = numberOf(b)
  if (numberA !== undefined || numberB !== undefined) {
    if (numberA === undefined || numberB === undefined) return false
    return sameNumber(numberA, numberB) && (!typed || isDouble(a) === isDouble(b))
  }
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0
  }
  if (a instanceof Map || b instanceof Map) return a instanceof Map && b instanceof Map && equalMaps(a, b, typed)
  const [arrayA, arrayB] = [a as readonly Value[], b as readonly Value[]]
  return arrayA.length === arrayB.length && arrayA.every((each, index) => equal(each, arrayB[index]!, typed))
}

function equalMaps(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>, typed: boolean): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    const other = b.get(key)
    if (other === undefined || !equal(value, other, typed)) return false
  }
  return true
}

function numberOf(value: Value): number | bigint | undefined {
  if (value instanceof Double) return value.value
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined
}

export const isDouble = (value: Value): boolean =>
  value instanceof Double || (typeof value === 'number' && !Number.isSafeInteger(value))

/** Exactly: a bigint and a number are the same only where neither has to be rounded. */
export function sameNumber(a: number | bigint, b: number | bigint): boolean {
  if (typeof a === 'number' && typeof b === 'bigint') return Number.isInteger(a) && BigInt(a) === b
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isInteger(b) && a === BigInt(b)
  return a === b
}
