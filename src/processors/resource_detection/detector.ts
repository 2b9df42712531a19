import type { Value } from '../../plugin.ts'

/** What a detector found out about where Telegen runs. */
export interface Detected {
  readonly attributes: ReadonlyMap<string, Value>
  /** What was asked for and is not to be had here: worth a line in the log, no more. */
  readonly missing: readonly string[]
  /** What failed although the rest could be found, and may do better later. */
  readonly failure?: Error
}

/** Looks around. Rejects where all of it failed; leaves promptly when aborted. */
export interface Detector {
  readonly name: string
  detect(abort: AbortSignal): Promise<Detected>
}
