import { Double } from '../../plugin.ts'
import type { Value } from '../../plugin.ts'

/**
 * A text that is the same for the same value of the same type, and for no other; also in a row of such texts, which each say how
 * long they are.
 */
export function valueKey(value: Value | null): string {
  if (typeof value === 'string') return `s${value.length}:${value}`
  const text = value === null ? '' : JSON.stringify(plain(value))
  return `o${text.length}:${text}`
}

/** Each kind of value as a list that begins with its name; only strings and bools stand for themselves. */
function plain(value: Value): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      return ['int', String(value)]
    case 'number':
      return Number.isSafeInteger(value) ? ['int', String(value)] : ['double', text(value)]
    default:
      return plainObject(value)
  }
}

function plainObject(value: Exclude<Value, string | number | boolean | bigint>): unknown {
  if (value instanceof Double) return ['double', text(value.value)]
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('base64')]
  if (!(value instanceof Map)) return ['array', ...(value as readonly Value[]).map(plain)]
  const entries = [...(value as ReadonlyMap<string, Value>)].map(([key, inner]) => [key, plain(inner)] as const)
  return ['map', ...entries.toSorted(([a], [b]) => (a < b ? -1 : 1))]
}

const text = (double: number): string => (Object.is(double, -0) ? '-0' : String(double))
