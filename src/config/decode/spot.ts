import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import type { Node } from '../node.ts'
import type { Place } from '../place.ts'
import type { Schema } from './schema.ts'

/** Where decoding stands: what it tells its faults with. */
export interface Spot {
  /** `receivers::otlp`, `service`. */
  readonly path: string
  /** From there on as the Collector's decoder writes it: `protocols.grpc`, `[traces].receivers`, `actions[0].key`. */
  readonly name: string
  readonly steps: readonly (string | number)[]
  readonly faults: Fault[]
  /** The id that a written one of an extension stands for. */
  readonly canonical: (id: string) => string | undefined
  /** Ids of other components, to be looked up once all are known. */
  readonly mentions: Mention[]
  /** Places of values that the schema calls secret: their lines are printed without them. */
  readonly secrets: Place[]
}

export interface Mention {
  readonly of: 'extension' | 'pipeline' | 'receiver'
  /** What it must offer: the name of a capability. */
  readonly offering: string | undefined
  readonly id: string
  readonly path: string
  readonly name: string
  readonly place: Place
}

/** `decode.ts` itself, handed down to the files that it is made of. */
export type Decode = (schema: Schema, node: Node, at: Spot) => unknown

export const spot = (path: string, canonical: Spot['canonical'] = (id) => id): Spot => ({
  path,
  name: '',
  steps: [],
  faults: [],
  mentions: [],
  secrets: [],
  canonical,
})

export const property = (at: Spot, key: string): Spot => ({
  ...at,
  name: at.name === '' ? key : `${at.name}.${key}`,
  steps: [...at.steps, key],
})

export const entry = (at: Spot, key: string | number): Spot => ({
  ...at,
  name: `${at.name}[${key}]`,
  steps: [...at.steps, key],
})

interface Extra {
  readonly hint?: string | undefined
  readonly secret?: boolean
}

/** Reports `'protocols.grpc' <sentence>`. */
export function complain(at: Spot, code: string, sentence: string, place: Place, extra: Extra = {}): void {
  const message = at.name === '' ? sentence : `'${at.name}' ${sentence}`
  at.faults.push(error({ code, message, path: at.path, place, ...extra }))
}
