import type { Catalog } from '../component/catalog.ts'
import type { Log } from '../component/context.ts'
import type { Telemetry } from './own-telemetry.ts'

/** Something that runs and lets metrics out. */
export interface Reader {
  /** Sends what is left, by `deadline`, and lets go. */
  stop(deadline: AbortSignal): Promise<void>
}

/** How to reach what the engine has: exporters send the metrics, too. */
export interface ReaderContext {
  readonly own: Telemetry
  readonly log: Log
  readonly catalog: Catalog
}
