import type { Entry } from '../../component/catalog.ts'
import type { Definition } from '../../component/definition.ts'

/** A component of the catalog whose schema is there. */
export interface Loaded {
  readonly entry: Entry
  readonly definition: Definition
}
