import type { Batch } from '../data/batch.ts'
import type { Signal } from '../data/signal.ts'

/** What the program can be asked and told while it runs, for extensions that hand it on to operators (`admin`). */
export interface Control {
  /** Telegen's own. */
  readonly version: string
  /** The running plan as a drawing; `flows` are written beside the edges that they name. */
  draw(form: DrawingForm, flows?: readonly Flow[]): string
  /** Ways between components, with what has passed there since each came to be. */
  edges(): readonly EdgeReading[]
  /** Memory by signal. */
  budgets(): readonly BudgetReading[]
  /** What waits before exporters. */
  queues(): readonly QueueReading[]
  /** The configuration that is in effect, as YAML, secrets redacted. */
  configuration(): Promise<string>
  /** Reads the configuration again and lets it take effect. One at a time: who asks meanwhile waits for a run of his own. Never rejects. */
  reload(): Promise<ReloadReport>
  /** Undefined until there was one. */
  readonly lastReload: ReloadReport | undefined
  logLevel: LogLevel
  /**
   * Hands over what goes into or comes out of `target`, a pipeline (`traces/in`) or a component (`otlp_grpc/backup`), until it is closed;
   * across reloads. Where no side is said, what goes in, of a receiver what comes out. Throws where there is no such target.
   */
  tap(target: string, listener: (tapped: Tapped) => void, side?: TapSide): Tap
}

export const TAP_SIDES = ['in', 'out'] as const
export type TapSide = (typeof TAP_SIDES)[number]

export interface Tap {
  /** Where it looked when it was opened. */
  readonly edges: readonly Pick<Tapped, 'pipeline' | 'from' | 'to'>[]
  /** What the looker should know: that neighbours run in one visit, and nothing can be seen between them. */
  readonly note: string | undefined
  close(): void
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const DRAWING_FORMS = ['text', 'mermaid', 'dot'] as const
export type DrawingForm = (typeof DRAWING_FORMS)[number]

/** What to say about an edge: `120 spans/s`. */
export interface Flow {
  readonly pipeline: string
  readonly from: string
  readonly to: string
  readonly text: string
}

/** Bytes. */
export interface BudgetReading {
  readonly signal: Signal
  readonly used: number
  readonly limit: number
}

/** In what the queue's `sizer` counts. */
export interface QueueReading {
  readonly exporter: string
  readonly signal: Signal
  readonly size: number
  readonly capacity: number
}

export interface EdgeReading {
  readonly pipeline: string
  readonly signal: Signal
  readonly from: string
  readonly to: string
  readonly items: number
  readonly bytes: number
}

/** A batch on one edge. It is borrowed during the call. */
export interface Tapped {
  readonly pipeline: string
  readonly from: string
  readonly to: string
  readonly batch: Batch
}

export interface ReloadReport {
  /** `refused`: the new configuration is faulty, the running one was not touched. `rolled_back`: a part failed to start, and the old ones are back. */
  readonly outcome: 'unchanged' | 'reloaded' | 'refused' | 'rolled_back' | 'failed'
  /** When it ended, milliseconds since the Unix epoch. */
  readonly at: number
  /** Milliseconds. */
  readonly took: number
  /** What is wrong, each with its place as `file:line:column: sentence` where it has one. */
  readonly faults: readonly string[]
  /** Ids by kind (`exporter otlp_grpc/backup`), of what was started, stopped, and lives on. */
  readonly started: readonly string[]
  readonly stopped: readonly string[]
  readonly kept: readonly string[]
  /** What differs and takes effect only after a restart. */
  readonly needsRestart: readonly string[]
}
