import type { Clock } from '../../plugin.ts'
import type { HostFiles } from './host-files.ts'
import type { Recorder } from './metric.ts'

/** Reads one part of the host, and resolves to what writes down what it saw. Has its memory of the scrape before. */
export type Scraper = (abort: AbortSignal) => Promise<Reading>
export type Reading = (to: Recorder) => void

/** Reads a part of a scraper's share whose failure is no reason to lose the rest. */
export const attempt = <T>(part: Promise<T>): Promise<T | Error> => part.catch((error: Error) => error)

/** What a scraper is made from. */
export interface Host<O = unknown> {
  readonly files: HostFiles
  readonly clock: Clock
  /** The scraper's own options. */
  readonly options: O
  /** Names of the metrics that are on: what nobody wants is not read. */
  readonly enabled: ReadonlySet<string>
}
