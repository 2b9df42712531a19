import { load } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/load.ts'
import { plain } from '../../src/config/node.ts'
import { decode } from '../../src/config/decode/decode.ts'
import type { Schema } from '../../src/config/decode/schema.ts'
import { spot } from '../../src/config/decode/spot.ts'

export interface Variables {
  readonly [name: string]: string
}

/** Loads configurations given as text. */
export const loadText = (
  texts: string | readonly string[],
  environment: Variables = {},
  sets: readonly string[] = [],
): Loaded =>
  load({ configs: [texts].flat().map((text) => `yaml:${text}`), sets, environment, directory: import.meta.dirname })

/** What a configuration means as plain values; throws its first fault. */
export function valuesOf(loaded: Loaded): unknown {
  const [fault] = loaded.faults
  if (fault) throw new Error(fault.message)
  return loaded.root === undefined ? undefined : plain(loaded.root)
}

/** What the key `field` becomes for an option with that schema, or the message of what is wrong with it. */
export function fieldAs(schema: Schema, loaded: Loaded): unknown {
  const [fault] = loaded.faults
  if (fault) return { fault: fault.message }
  const at = spot('test')
  const root: Schema = { type: 'object', properties: { field: schema }, additionalProperties: false }
  const value = decode(root, loaded.root as NonNullable<Loaded['root']>, at) as { readonly field: unknown }
  return at.faults.length > 0 ? { fault: at.faults[0]?.message } : value.field
}
