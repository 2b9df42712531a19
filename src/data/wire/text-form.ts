import { Double, type Value } from '../steps/value.ts'

/**
 * A value as text, as the Collector writes it (pdata's `Value.AsString`): strings as they are, numbers and bools in the
 * shortest form, bytes as base64, arrays and maps as JSON with sorted keys.
 */
export function textForm(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return base64(value)
  if (typeof value === 'object' && !(value instanceof Double)) return JSON.stringify(plain(value))
  return String(value instanceof Double ? value.value : value)
}

/** What JSON can write. Ints beyond 2^53 keep their digits as raw numbers. */
function plain(value: Value): unknown {
  if (value instanceof Double) return value.value
  if (value instanceof Uint8Array) return base64(value)
  if (typeof value === 'bigint') return rawJson(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string, Value>)].sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]))
  }
  return value
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')

const rawJson = (value: bigint): unknown =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(value.toString())
