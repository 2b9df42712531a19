import type { Node } from '../node.ts'
import { mistyped, notOneOf } from './scalars.ts'
import { typesOf } from './schema.ts'
import type { Schema } from './schema.ts'
import type { Decode, Spot } from './spot.ts'

/** The first alternative that fits: by what the value is, else by the text it was read from. */
export function decodeUnion(schemas: readonly Schema[], node: Node, at: Spot, decode: Decode): unknown {
  const bare = withoutText(node)
  const tries = [
    ...schemas.map((schema) => [schema, bare] as const),
    ...schemas.map((schema) => [schema, node] as const),
  ]
  let closest: Spot['faults'] | undefined
  for (const [schema, candidate] of tries) {
    const attempt: Spot = { ...at, faults: [], mentions: [] }
    const value = decode(schema, candidate, attempt)
    if (attempt.faults.length === 0) {
      at.mentions.push(...attempt.mentions)
      return value
    }
    const fits = attempt.faults.every((fault) => !(fault.code === 'wrong_type' && fault.place === candidate.place))
    if (fits && closest === undefined) closest = attempt.faults
  }
  const constants = schemas.map((schema) => schema.const)
  if (!constants.includes(undefined) && node.kind === 'scalar') notOneOf(constants, node, at)
  else if (closest) at.faults.push(...closest)
  else mistyped(schemas.flatMap(typesOf), node, at)
  return undefined
}

function withoutText(node: Node): Node {
  const { text: _, ...bare } = node
  return bare
}
