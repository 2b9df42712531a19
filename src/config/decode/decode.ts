import { typed } from '../node.ts'
import type { Node } from '../node.ts'
import { decodeForeign } from './foreign.ts'
import { decodeKind } from './kinds.ts'
import { decodeList } from './lists.ts'
import { decodeMapping } from './mapping.ts'
import { decodeScalar } from './scalars.ts'
import { isForeign, typesOf } from './schema.ts'
import type { Schema } from './schema.ts'
import type { Spot } from './spot.ts'
import { decodeUnion } from './union.ts'

/**
 * Makes of what was written what a component sees: types checked without any leniency, defaults filled in, the option
 * kinds (`Duration`, `ByteSize`, …) turned into values. What is wrong goes to `at.faults`, and then the result is of no use.
 */
export function decode(schema: Schema, node: Node, at: Spot): unknown {
  if (node.kind === 'broken') return undefined
  if (schema.telegen !== undefined) return decodeKind(schema, node, at, decode)
  if (isForeign(schema)) return decodeForeign(schema, node, at)
  if (schema.anyOf !== undefined) return decodeUnion(schema.anyOf, node, at, decode)
  const types = typesOf(schema)
  if (types.length > 1)
    return decodeUnion(
      types.map((type) => ({ ...schema, type })),
      node,
      at,
      decode,
    )
  switch (types[0]) {
    case 'object':
      return decodeMapping(schema, node, at, decode)
    case 'array':
      return decodeList(schema, node, at, decode)
    case undefined:
      return schema.const === undefined && schema.enum === undefined
        ? typed(node)
        : decodeScalar(schema, node, undefined, at)
    default:
      return decodeScalar(schema, node, types[0], at)
  }
}
