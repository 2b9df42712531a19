import { doubleOf, isSafe } from '../wire/read-value.ts'
import { textForm } from '../wire/text-form.ts'
import { Double, type Value } from './step.ts'

const DECIMAL_INTEGER = /^[+-]?[0-9]+$/
const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i
const SPECIAL: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, infinity: Infinity }
const LEAST_INT = -(2n ** 63n)
const MOST_INT = 2n ** 63n - 1n

/** What the Collector's `convert` action makes of a value; undefined where it leaves it alone. */
export function converted(value: Value, to: 'int' | 'double' | 'string'): Value | undefined {
  switch (to) {
    case 'int':
      return toInt(value)
    case 'double':
      return toDouble(value)
    case 'string':
      return textForm(value)
  }
}

function toInt(value: Value): Value | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Double || typeof value === 'number')
    return truncated(value instanceof Double ? value.value : value)
  if (typeof value === 'bigint') return value
  if (typeof value !== 'string' || !DECIMAL_INTEGER.test(value)) return undefined
  return intOf(BigInt(value.startsWith('+') ? value.slice(1) : value))
}

/** Towards zero, and to the nearest int where there is none. */
function truncated(double: number): Value {
  if (Number.isNaN(double)) return 0
  if (!Number.isFinite(double)) return double > 0 ? MOST_INT : LEAST_INT
  const int = BigInt(Math.trunc(double))
  return intOf(int) ?? (int > 0n ? MOST_INT : LEAST_INT)
}

function intOf(int: bigint): Value | undefined {
  if (int < LEAST_INT || int > MOST_INT) return undefined
  return isSafe(int) ? Number(int) : int
}

function toDouble(value: Value): Value | undefined {
  if (typeof value === 'boolean') return doubleOf(value ? 1 : 0)
  if (typeof value === 'number' || typeof value === 'bigint') return doubleOf(Number(value))
  if (value instanceof Double) return value
  if (typeof value !== 'string') return undefined
  const special = SPECIAL[value.replace(/^[+-]/, '').toLowerCase()]
  if (special !== undefined) return value.startsWith('-') ? -special : special
  return DECIMAL.test(value) ? doubleOf(Number(value)) : undefined
}
