import { goType, isNull, scalar } from '../node.ts'
import type { Node } from '../node.ts'
import { takesString } from './schema.ts'
import type { Schema } from './schema.ts'
import { complain, entry } from './spot.ts'
import type { Decode, Spot } from './spot.ts'

export function decodeList(schema: Schema, node: Node, at: Spot, decode: Decode): unknown {
  const nodes = elements(schema, node, at)
  if (nodes === undefined) return undefined
  const { minItems = 0, maxItems = Infinity } = schema
  if (nodes.length < minItems) complain(at, 'out_of_range', `must have at least ${minItems} element(s)`, node.place)
  if (nodes.length > maxItems) complain(at, 'out_of_range', `must have at most ${maxItems} element(s)`, node.place)
  return nodes.map((item, index) => decode(schema.items ?? {}, item, entry(at, index)))
}

/** The elements of a list that may also be written `a,b`, as nodes. Undefined where it is no list. */
function elements(schema: Schema, node: Node, at: Spot): readonly Node[] | undefined {
  if (node.kind === 'list') return node.items
  const text = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined
  if (text !== undefined && schema.items && takesString(schema.items))
    return text === '' ? [] : text.split(',').map((part) => scalar(part, node.place))
  const got = node.kind === 'map' ? 'map' : goType(node)
  complain(at, 'wrong_type', `source data must be an array or slice, got ${got}`, node.place, {
    hint: node.problem ?? asList(node),
  })
  return undefined
}

/** Names that were written as keys, and a name alone, as a list. */
function asList(node: Node): string | undefined {
  if (node.place.reference !== undefined) return undefined
  if (node.kind === 'map') {
    const empty = [...node.entries.values()].every((item) => isNull(item.node))
    return empty && node.entries.size > 0
      ? `write a list: [${[...node.entries.keys()].join(', ')}]`
      : 'write a list: [first, second]'
  }
  return node.kind === 'scalar' && !isNull(node) ? `write a list: [${String(node.value)}]` : undefined
}
