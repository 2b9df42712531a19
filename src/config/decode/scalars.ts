import { goType, isNull, scalar } from '../node.ts'
import type { Node, Scalar } from '../node.ts'
import { shown } from '../place.ts'
import { didYouMean } from '../nearest.ts'
import { resolvePlain } from '../yaml/scalar.ts'
import type { Schema, SchemaType } from './schema.ts'
import { complain } from './spot.ts'
import type { Spot } from './spot.ts'

export function decodeScalar(schema: Schema, node: Node, type: SchemaType | undefined, at: Spot): unknown {
  const value = scalarValue(node, type)
  if (value === undefined || node.kind === 'broken') {
    mistyped(type === undefined ? [] : [type], node, at)
    return undefined
  }
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const])
  if (choices && !choices.includes(value)) notOneOf(choices, { ...scalar(value, node.place) }, at)
  else if (typeof value === 'string') checkText(schema, value, node, at)
  else if (typeof value === 'number') checkRange(schema, value, node, at)
  return value
}

function scalarValue(node: Node, type: SchemaType | undefined): Scalar['value'] | undefined {
  if (type === 'string' && node.text !== undefined) return node.text
  if (node.kind !== 'scalar') return undefined
  const { value } = node
  switch (type) {
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) ? value : undefined
    case 'null':
      return value === null ? value : undefined
    case undefined:
      return value
    default:
      return typeof value === type ? value : undefined
  }
}

/** How the Collector, being written in Go, calls the types. */
const GO_TYPES: Readonly<Record<SchemaType, string>> = {
  string: 'string',
  integer: 'int',
  number: 'float64',
  boolean: 'bool',
  null: 'nil',
  array: '[]interface {}',
  object: 'map[string]interface {}',
}

export function mistyped(types: readonly SchemaType[], node: Node, at: Spot): void {
  const expected = [...new Set(types.map((type) => GO_TYPES[type]))].join("' or '")
  complain(at, 'wrong_type', `expected type '${expected}', got unconvertible type '${goType(node)}'`, node.place, {
    hint: node.problem ?? quoting(types, node),
  })
}

/** What people trip over most: numbers and words that YAML reads as something else than they meant. */
function quoting(types: readonly SchemaType[], node: Node): string | undefined {
  if (node.kind !== 'scalar') return undefined
  if (types.includes('string'))
    return node.place.reference === undefined && !isNull(node) ? 'put it in quotes' : undefined
  const { value, place } = node
  const meant = typeof value === 'string' && place.reference === undefined ? resolvePlain(value) : undefined
  if (types.some((type) => isOf(type, meant))) return 'write it without quotes'
  return WANTED[types[0] ?? 'object']
}

const isOf = (type: SchemaType, value: unknown): boolean =>
  type === 'integer' ? Number.isInteger(value) : typeof value === type

const WANTED: Partial<Record<SchemaType, string>> = {
  boolean: 'write true or false',
  integer: 'write a whole number',
  number: 'write a number',
}

export function notOneOf(choices: readonly unknown[], node: Scalar, at: Spot): void {
  const option = at.steps.at(-1) ?? 'value'
  const isWord = node.place.reference === undefined && /\p{L}/u.test(String(node.value))
  const hint = isWord ? didYouMean(String(node.value), choices.map(String)) : undefined
  const message = `invalid ${option}: ${shown(String(node.value), node.place)} (valid values: [${choices.join(' ')}])`
  complain(at, 'not_one_of', message, node.place, { hint })
}

function checkText(schema: Schema, value: string, { place }: Node, at: Spot): void {
  const { minLength = 0, maxLength = Infinity, pattern } = schema
  if (value.length < minLength)
    complain(
      at,
      'out_of_range',
      minLength === 1 ? 'must not be empty' : `must have at least ${minLength} characters`,
      place,
    )
  if (value.length > maxLength) complain(at, 'out_of_range', `must have at most ${maxLength} characters`, place)
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value))
    complain(at, 'no_match', `must match the regular expression ${pattern}`, place)
}

export function checkRange(schema: Schema, value: number, { place }: Node, at: Spot): void {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema
  const fail = (sentence: string) => complain(at, 'out_of_range', sentence, place)
  // NaN compares with no bound.
  if (Number.isNaN(value) && RANGES.some((name) => schema[name] !== undefined))
    fail('must be a number in a range, not NaN')
  if (value < minimum)
    fail(minimum === 0 ? 'must be non-negative' : minimum === 1 ? 'must be positive' : `must be at least ${minimum}`)
  if (value > maximum) fail(`must be at most ${maximum}`)
  if (value <= exclusiveMinimum)
    fail(exclusiveMinimum === 0 ? 'must be positive' : `must be greater than ${exclusiveMinimum}`)
  if (value >= exclusiveMaximum) fail(`must be less than ${exclusiveMaximum}`)
}

const RANGES = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const
