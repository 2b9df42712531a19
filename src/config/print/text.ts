import { Document, isMap, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import { Double } from '../../data/steps/value.ts'
import { resolvePlain } from '../yaml/scalar.ts'
import type { Printable, PrintableMap } from './encode.ts'

/** Something to say about the value at a path. */
export interface Note {
  readonly path: readonly string[]
  readonly text: string
}

/** A configuration as YAML that reads as the same values again, with notes as comments. */
export function yamlText(tree: PrintableMap, notes: readonly Note[] = []): string {
  const document = new Document(node(tree))
  for (const note of notes) attach(document, note)
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

/** Columns that a list of words may take on one line. */
const FLOW_WIDTH = 80

const isShort = (list: readonly Printable[]): boolean =>
  list.every((item) => typeof item !== 'object' || item === null) && list.join(', ').length <= FLOW_WIDTH

/** The same as JSON. Throws a `RangeError` where it has a number that JSON cannot write. */
export const jsonText = (tree: PrintableMap): string => `${JSON.stringify(forJson(tree), fit, 2)}\n`

function fit(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return raw(String(value))
  if (isBeyondCounting(value)) return raw(value.toExponential())
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RangeError(`${value} cannot be written as JSON: ask for YAML`)
  return value
}

const raw = (json: string): unknown => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(json)

function node(value: Printable): YAMLMap | YAMLSeq | Scalar {
  if (value instanceof Map) {
    const map = new YAMLMap<Scalar, YAMLMap | YAMLSeq | Scalar>()
    // Keys are never expanded, so a dollar in one stands for itself.
    for (const [key, each] of value as PrintableMap) map.items.push(new Pair(text(key), node(each)))
    return map
  }
  if (Array.isArray(value)) {
    const list = new YAMLSeq<YAMLMap | YAMLSeq | Scalar>()
    list.items.push(...value.map(node))
    list.flow = isShort(value)
    return list
  }
  if (value instanceof Double) return float(value.value)
  return typeof value === 'string' ? text(dollars(value)) : number(value)
}

/** A whole float, written so that it is read as one: `1.0`. */
function float(value: number): Scalar<number> {
  const scalar = new Scalar(value)
  if (/^-?\d+$/.test(String(value))) scalar.minFractionDigits = 1
  return scalar
}

/** A whole number that a double cannot count is written with an exponent, or it would be read as an integer of 64 bits. */
function number(value: Exclude<Printable, string>): Scalar {
  const scalar = new Scalar(value)
  if (isBeyondCounting(value)) scalar.format = 'EXP'
  return scalar
}

const isBeyondCounting = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)

/** Quoted wherever Telegen's own reader, or another one, may take it for something else: numbers, times, merge keys. */
function text(value: string): Scalar<string> {
  const scalar = new Scalar(value)
  const numeric = /^[-+.0-9]/.test(value) && !DURATION.test(value)
  if (resolvePlain(value) !== value || value === '<<' || numeric) scalar.type = Scalar.QUOTE_DOUBLE
  return scalar
}

const DURATION = /^([0-9.]+(ns|µs|ms|s|m|h))+$/

/** `${` and `$$` mean something in a file: doubled, every dollar stands for itself. */
const dollars = (value: string): string => (/\$[{$]/.test(value) ? value.replaceAll('$', '$$$$') : value)

function forJson(value: Printable): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...(value as PrintableMap)].map(([key, each]) => [key, forJson(each)]))
  if (Array.isArray(value)) return value.map(forJson)
  if (value instanceof Double && Number.isSafeInteger(value.value))
    return raw(`${Object.is(value.value, -0) ? '-0' : value.value}.0`)
  return typeof value === 'string' ? dollars(value) : value
}

/** Beside a value, and above the first key of a mapping. */
function attach(document: Document, { path, text: comment }: Note): void {
  const target = document.getIn(path, true)
  if (target instanceof Scalar) target.comment = ` ${comment}`
  else if (isMap<Scalar>(target) && target.items[0] !== undefined) target.items[0].key.commentBefore = ` ${comment}`
}
