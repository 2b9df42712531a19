import { Double } from '../data/steps/value.ts'
import type { Place } from './place.ts'

/** A configuration as written: YAML's values, each with its place. Immutable. */
export type Node = Scalar | List | Mapping | Broken

export interface Scalar extends Placed {
  readonly kind: 'scalar'
  /** A bigint where an integer is too large to be exact as a number. */
  readonly value: string | number | bigint | boolean | null
  /** Set where a number was written as a float though it is whole (`1.0`): where anything may stand, it is a float. */
  readonly float?: boolean
}

export interface List extends Placed {
  readonly kind: 'list'
  readonly items: readonly Node[]
}

export interface Mapping extends Placed {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Item>
}

/** A value that could not be made out. Its fault is reported already, so whoever meets it stays silent. */
export interface Broken extends Placed {
  readonly kind: 'broken'
}

/** A key of a mapping with its value. */
export interface Item {
  readonly key: Place
  readonly node: Node
}

interface Placed {
  readonly place: Place
  /** Where the value is one whole reference (`${env:PORT}`): the text it was read from, which is what a string option takes. */
  readonly text?: string
  /** Where a text was taken as a string because it is not YAML: why not. */
  readonly problem?: string
}

export const scalar = (value: Scalar['value'], place: Place, float = false): Scalar => ({
  kind: 'scalar',
  value,
  place,
  ...(float && { float }),
})
export const mapping = (entries: Iterable<readonly [string, Item]>, place: Place): Mapping => ({
  kind: 'map',
  entries: new Map(entries),
  place,
})
export const broken = (place: Place): Broken => ({ kind: 'broken', place })

export const isNull = (node: Node): boolean => node.kind === 'scalar' && node.value === null

/** Whether all of it could be made out. If not, nothing can be said of what it means together. */
export function isWhole(node: Node): boolean {
  switch (node.kind) {
    case 'scalar':
      return true
    case 'list':
      return node.items.every(isWhole)
    case 'map':
      return [...node.entries.values()].every((item) => isWhole(item.node))
    case 'broken':
      return false
  }
}

/** The type's name in messages: the Collector is written in Go, and so are its sentences. */
export function goType(node: Node): string {
  switch (node.kind) {
    case 'list':
      return '[]interface {}'
    case 'map':
      return 'map[string]interface {}'
    case 'broken':
      return 'nil'
    case 'scalar':
      return node.float ? 'float64' : goScalarType(node.value)
  }
}

/** The value without places, as any JSON would be. */
export const plain = (node: Node): unknown => withScalars(node, ({ value }) => value)

/** The same where the kind of a number matters: a whole float is a `Double`. */
export const typed = (node: Node): unknown =>
  withScalars(node, ({ value, float }) => (float && typeof value === 'number' ? new Double(value) : value))

function withScalars(node: Node, of: (scalar: Scalar) => unknown): unknown {
  switch (node.kind) {
    case 'scalar':
      return of(node)
    case 'list':
      return node.items.map((item) => withScalars(item, of))
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, item]) => [key, withScalars(item.node, of)]))
    case 'broken':
      return undefined
  }
}

/** A value of the program's own (a default) as if it had been written at `place`. */
export function written(value: unknown, place: Place): Node {
  if (value instanceof Double) return scalar(value.value, place, true)
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => written(item, place)), place }
  if (typeof value === 'object' && value !== null) {
    return mapping(
      Object.entries(value).map(([key, item]) => [key, { key: place, node: written(item, place) }] as const),
      place,
    )
  }
  return scalar(value as Scalar['value'], place)
}

/** The place of what `path` leads to, or of the nearest thing above it that is there. */
export function placeOf(node: Node, path: readonly (string | number)[]): Place {
  const [step, ...rest] = path
  if (step === undefined) return node.place
  if (node.kind === 'map') {
    const item = node.entries.get(String(step))
    if (item) return rest.length === 0 && isNull(item.node) ? item.key : placeOf(item.node, rest)
  }
  if (node.kind === 'list') {
    const item = node.items[Number(step)]
    if (item) return placeOf(item, rest)
  }
  return node.place
}

function goScalarType(value: Scalar['value']): string {
  if (value === null) return 'nil'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  return typeof value === 'boolean' ? 'bool' : 'string'
}
