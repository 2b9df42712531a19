import { goType, isNull, mapping, written } from '../node.ts'
import type { Item, Mapping, Node } from '../node.ts'
import { shown } from '../place.ts'
import { didYouMean } from '../nearest.ts'
import { asMapping } from './as-mapping.ts'
import { isLeftOut, typesOf } from './schema.ts'
import type { Schema } from './schema.ts'
import { complain, entry, property } from './spot.ts'
import type { Decode, Spot } from './spot.ts'

/** A mapping with named keys, with free ones, or both. */
export function decodeMapping(schema: Schema, node: Node, at: Spot, decode: Decode): unknown {
  const tree = isNull(node) ? mapping([], node.place) : node
  if (tree.kind !== 'map') {
    const sentence = `expected a map or struct, got "${goType(node)}"`
    const hint = node.problem ?? asMapping(node, Object.keys(schema.properties ?? {}))
    complain(at, 'wrong_type', sentence, node.place, { hint })
    return undefined
  }
  const properties = schema.properties ?? {}
  const result: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(properties)) {
    const required = schema.required?.includes(key) ?? false
    const value = decodeProperty(option, required, tree.entries.get(key), tree, property(at, key), decode)
    if (value !== undefined) result[key] = value
  }
  for (const [key, item] of tree.entries) {
    if (Object.hasOwn(properties, key)) continue
    const free = freeSchema(schema, key)
    if (free === undefined) unknownKey(key, item, properties, at)
    else put(result, key, decode(free, item.node, entry(at, key)))
  }
  return result
}

function decodeProperty(
  option: Schema,
  required: boolean,
  item: Item | undefined,
  parent: Mapping,
  at: Spot,
  decode: Decode,
): unknown {
  const node = item && (isSwitchable(option, required) ? switched(item.node, at, decode) : item.node)
  if (node !== undefined && !isLeftOut(option, node)) return decode(option, node, at)
  const place = item?.key ?? parent.place
  if (option.default !== undefined) return decode(option, written(option.default, place), at)
  if (required) complain(at, 'missing', 'must be specified', place)
  return undefined
}

/** A block that is off when it is left out: it may also be switched off where it stands, by `enabled: false`. */
const isSwitchable = (option: Schema, required: boolean): boolean =>
  !required &&
  option.default === undefined &&
  option.properties !== undefined &&
  typesOf(option).includes('object') &&
  !Object.hasOwn(option.properties, 'enabled')

function switched(node: Node, at: Spot, decode: Decode): Node | undefined {
  if (node.kind !== 'map' || !node.entries.has('enabled')) return node
  const { enabled, rest } = withoutEnabled(node)
  return decode({ type: 'boolean' }, enabled.node, property(at, 'enabled')) === false ? undefined : rest
}

function withoutEnabled(node: Mapping): { readonly enabled: Item; readonly rest: Mapping } {
  const entries = new Map(node.entries)
  const enabled = entries.get('enabled') as Item
  entries.delete('enabled')
  return { enabled, rest: { ...node, entries } }
}

function freeSchema(schema: Schema, key: string): Schema | undefined {
  for (const [pattern, free] of Object.entries(schema.patternProperties ?? {}))
    if (new RegExp(pattern, 'u').test(key)) return free
  if (schema.additionalProperties === false) return undefined
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}
}

/** So few options are all named where none is near. */
const FEW = 6

function unknownKey(key: string, { key: place }: Item, properties: Properties, at: Spot): void {
  const known = Object.keys(properties)
  const few = known.length > 0 && known.length <= FEW ? `options are ${known.join(', ')}` : undefined
  const hint = place.reference === undefined ? (didYouMean(key, known) ?? below(key, properties) ?? few) : undefined
  const sentence = `has invalid keys: ${place.reference === undefined ? key : shown(key, place)}`
  complain(at, 'unknown_key', sentence, place, { hint })
}

type Properties = Readonly<Record<string, Schema>>

/** Levels of blocks that are searched for an option written too far up. */
const MAX_LEVELS = 4

/** Where further down there is an option of that name. */
function below(key: string, properties: Properties): string | undefined {
  const places = [...nested(key, properties, '', MAX_LEVELS)]
  return places.length === 0 ? undefined : `it belongs under ${places.slice(0, 3).join(' or ')}`
}

function* nested(key: string, properties: Properties, path: string, levels: number): Iterable<string> {
  if (levels === 0) return
  for (const [name, { properties: inner }] of Object.entries(properties)) {
    if (inner === undefined) continue
    if (Object.hasOwn(inner, key)) yield `${path}${name}`
    yield* nested(key, inner, `${path}${name}.`, levels - 1)
  }
}

/** A key may be called `__proto__`. */
function put(result: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(result, key, { value, enumerable: true, writable: true, configurable: true })
}
