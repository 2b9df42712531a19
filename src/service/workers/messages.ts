import type { EdgeReading, BudgetReading, LogLevel, TapSide } from '../../component/control.ts'
import type { MetricLevel } from '../../component/meter.ts'
import type { ComponentStatus } from '../../component/status.ts'
import type { Loaded } from '../../config/load.ts'
import type { LogTelemetry } from '../../config/telemetry.ts'
import type { Signal } from '../../data/signal.ts'
import type { Measured } from '../../graph/metrics.ts'

/** What the first process asks of a worker. Each is answered, one after the other, but for `look`. */
export type Request =
  | ({ readonly kind: 'start'; readonly loaded: Loaded } & Terms)
  /** Makes what the configuration needs beside what runs, and touches nothing. */
  | { readonly kind: 'prepare'; readonly loaded: Loaded }
  | { readonly kind: 'discard' }
  /** Goes over to what was prepared; `drain` is how long what goes may take to send what it has left, in milliseconds. */
  | { readonly kind: 'become'; readonly drain: number }
  /** Goes back to what ran before the last `become`. */
  | { readonly kind: 'go_back'; readonly drain: number }
  | { readonly kind: 'look' }
  /** Ends what it has begun; the answer is the last look. */
  | { readonly kind: 'stop' }

/** What stays as it is as long as the program runs. */
export interface Terms {
  /** Processes that share the work, this one and the first included. */
  readonly workers: number
  /** From 2 on; 1 is the first process. */
  readonly index: number
  readonly resource: Readonly<Record<string, string>>
  readonly metrics: MetricLevel
  readonly logs: LogTelemetry
}

/** What it is told, without an answer. */
export type Word =
  /** The time is over in which a stop may send what is left. */
  | { readonly kind: 'hurry' }
  /** A reload that is under way is not wanted any more. */
  | { readonly kind: 'leave_off' }
  | { readonly kind: 'log_level'; readonly level: LogLevel }
  | { readonly kind: 'tap'; readonly tap: number; readonly target: string; readonly side: TapSide | undefined }
  | { readonly kind: 'untap'; readonly tap: number }
  /** One batch of that tap has been looked at: another one may come. */
  | { readonly kind: 'seen'; readonly tap: number }

export type ToWorker =
  | { readonly kind: 'ask'; readonly id: number; readonly request: Request }
  | { readonly kind: 'tell'; readonly word: Word }

export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  | ({ readonly kind: 'tapped'; readonly tap: number } & TappedBytes)

export interface Failure {
  readonly messages: readonly string[]
  /** Where a component could not be made. */
  readonly component?: { readonly kind: string; readonly id: string }
}

/** A batch that was tapped, as a copy. */
export interface TappedBytes {
  readonly pipeline: string
  readonly from: string
  readonly to: string
  readonly signal: Signal
  readonly items: number
  readonly bytes: Uint8Array
}

/** How a worker is, and what it has counted since it began. */
export interface Look {
  readonly measured: readonly Measured[]
  readonly statuses: readonly ComponentStatus[]
  readonly edges: readonly EdgeReading[]
  readonly budgets: readonly BudgetReading[]
  /** Deliveries that have entered and not ended. */
  readonly open: number
}
