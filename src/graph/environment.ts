import type { Clock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Metrics } from './metrics.ts'

/** What the graph needs of the world; tests bring their own. */
export interface Environment {
  readonly clock: Clock
  readonly log: Log
  /** A log whose lines name the component. */
  readonly logOf: (kind: string, id: string) => Log
  readonly metrics: Metrics
  /** When the program started, milliseconds since the Unix epoch. */
  readonly startTime: number
}
