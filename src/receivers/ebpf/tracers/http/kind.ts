import type { Attributes, EncodedAttributes } from '../../../../plugin.ts'

/** Requests with the same method, route or host, and outcome. */
export interface Kind {
  /** Frozen: its series is then found by the object alone. */
  readonly metric: Attributes
  readonly span: EncodedAttributes
}

export type Kinds = Map<number, Kind>
