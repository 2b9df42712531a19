/** A field of an object in the shape of OTLP/JSON, or nothing. */
export type Json = Readonly<Record<string, unknown>>

export const objectsIn = (list: unknown): readonly Json[] => (list ?? []) as readonly Json[]
export const valuesIn = (list: unknown): readonly unknown[] => (list ?? []) as readonly unknown[]
export const objectIn = (value: unknown): Json => (value ?? {}) as Json
export const textIn = (value: unknown): string => (value ?? '') as string
/** Also of 64-bit integers, which are text there. */
export const numberIn = (value: unknown): string => scalarText(value ?? 0)

/** `Str(checkout)`, `Int(5)`: an AnyValue with its kind. */
export function kindAndText(value: unknown): string {
  return `${kindOf(objectIn(value))}(${textOf(value)})`
}

const KINDS: Readonly<Record<string, string>> = {
  stringValue: 'Str',
  boolValue: 'Bool',
  intValue: 'Int',
  doubleValue: 'Double',
  arrayValue: 'Slice',
  kvlistValue: 'Map',
  bytesValue: 'Bytes',
}

function kindOf(value: Json): string {
  for (const field in value) if (KINDS[field]) return KINDS[field]
  return 'Empty'
}

/** An AnyValue as text, as the Collector's `AsString` has it. */
export function textOf(value: unknown): string {
  const any = objectIn(value)
  if (any['arrayValue'] !== undefined || any['kvlistValue'] !== undefined) return JSON.stringify(plain(any))
  if (any['doubleValue'] !== undefined) return String(Number(any['doubleValue']))
  return scalarText(any['stringValue'] ?? any['boolValue'] ?? any['intValue'] ?? any['bytesValue'] ?? '')
}

function scalarText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What JSON is made of: maps with sorted keys, ints as they are wherever a number can hold them. */
function plain(any: Json): unknown {
  if (any['arrayValue'] !== undefined) return objectsIn(objectIn(any['arrayValue'])['values']).map(plain)
  if (any['kvlistValue'] !== undefined) {
    const pairs = objectsIn(objectIn(any['kvlistValue'])['values'])
    const entries = pairs.map((pair): [string, unknown] => [textIn(pair['key']), plain(objectIn(pair['value']))])
    return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)))
  }
  if (any['intValue'] !== undefined) {
    const int = Number(any['intValue'])
    return Number.isSafeInteger(int) ? int : any['intValue']
  }
  return any['stringValue'] ?? any['boolValue'] ?? any['doubleValue'] ?? any['bytesValue'] ?? null
}

const NANOS_PER_SECOND = 1_000_000_000n

/** Nanoseconds since 1970 as Go prints a time: `2020-02-11 20:26:13.000000789 +0000 UTC`. */
export function timeOf(nanos: unknown): string {
  const time = BigInt(numberIn(nanos))
  const seconds = new Date(Number(time / NANOS_PER_SECOND) * 1000)
  const fraction = (time % NANOS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '')
  // Times past the year 275760 are beyond what dates can say; they are some sender's mistake and shown as they came.
  if (Number.isNaN(seconds.getTime())) return `${time} ns`
  const [day, clock] = seconds.toISOString().split('T') as [string, string]
  return `${day} ${clock.slice(0, 8)}${fraction && `.${fraction}`} +0000 UTC`
}

/** A double with six decimals, as Go's `%f` has it. */
export function fixed(value: unknown): string {
  const number = Number(value ?? 0)
  if (!Number.isFinite(number)) return infinite(number)
  if (Object.is(number, -0)) return '-0.000000'
  return Math.abs(number) < 1e21 ? number.toFixed(6) : `${BigInt(number)}.000000`
}

/** A double with as many digits as it needs, as Go's `%v` has it. */
export function shortest(value: unknown): string {
  const number = Number(value ?? 0)
  if (!Number.isFinite(number)) return infinite(number)
  const size = Math.abs(number)
  if (size === 0 || (size >= 1e-4 && size < 1e21)) return Object.is(number, -0) ? '-0' : String(number)
  return number.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}

const infinite = (number: number): string => (Number.isNaN(number) ? 'NaN' : number > 0 ? '+Inf' : '-Inf')
