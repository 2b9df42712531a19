import type { Clock } from '../component/clock.ts'
import type { Log, OwnTelemetry } from '../component/context.ts'
import type { Control } from '../component/control.ts'
import type { ComponentStatus } from '../component/status.ts'
import type { Metrics } from './metrics.ts'

/** What the graph needs of the world; tests bring their own. */
export interface Environment {
  readonly clock: Clock
  readonly log: Log
  /** A log whose lines name the component. */
  readonly logOf: (kind: string, id: string) => Log
  readonly metrics: Metrics
  /** How the same components are in other processes of this program. */
  readonly elsewhere?: () => readonly (readonly ComponentStatus[])[]
  /** What is measured, as data, for receivers that pass it on. */
  readonly own?: OwnTelemetry
  /** What the program around the graph can be asked. */
  readonly control?: Control
  /** Keeps listening sockets open whose servers close, for the servers that come after them; returns how to let go of those that found none. */
  readonly holdListeners?: () => () => Promise<void>
  /** When the program started, milliseconds since the Unix epoch. */
  readonly startTime: number
}
