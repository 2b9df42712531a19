import { createRequire } from 'node:module'
import type * as Library from 'ajv/dist/2020.js'
import type { Ajv2020 as Ajv, ErrorObject } from 'ajv/dist/2020.js'
import { placeOf, plain } from '../node.ts'
import type { Node } from '../node.ts'
import type { Schema } from './schema.ts'
import { complain } from './spot.ts'
import type { Spot } from './spot.ts'

/**
 * Validates by ajv what the decoder does not know by itself: a plugin's `oneOf`, `format`, `if`. Loading ajv and compiling
 * a schema costs more than all the rest of a start, so it waits until a schema needs it.
 */
export function decodeForeign(schema: Schema, node: Node, at: Spot): unknown {
  const value = plain(node)
  const validate = (ajv ??= load()).compile(schema)
  if (validate(value)) return value
  for (const problem of validate.errors ?? []) {
    const steps = problem.instancePath.split('/').slice(1).map(unescapePointer)
    complain(at, 'invalid_value', sentence(problem, steps), placeOf(node, steps))
  }
  return undefined
}

let ajv: Ajv | undefined

/** ajv is CommonJS; `require` loads it here and now, where `import` would make all of decoding wait. */
function load(): Ajv {
  const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof Library
  return new Ajv2020({ strict: false, allErrors: true, useDefaults: true, validateSchema: false, logger: false })
}

function sentence({ message = 'is not valid', params }: ErrorObject, steps: readonly string[]): string {
  const where = steps.length === 0 ? '' : `${steps.join('.')}: `
  const key = (params as { additionalProperty?: string; unevaluatedProperty?: string }).additionalProperty
  return key === undefined ? `${where}${message}` : `${where}has invalid keys: ${key}`
}

const unescapePointer = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~')
