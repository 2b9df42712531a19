import type { Batch } from '../data/batch.ts'
import type { Signal } from '../data/signal.ts'
import type { Capability } from './capability.ts'
import type { Clock } from './clock.ts'
import type { Control } from './control.ts'
import type { Ingress } from './ingress.ts'
import type { Meter, MetricLevel } from './meter.ts'
import type { ComponentStatus, StatusReporter } from './status.ts'

/** Where a component's own messages go: one object of fields, one sentence. error = data lost or somebody must act; warn = it may come to that. Nothing per record. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What the engine gives to `create`. */
export interface Context<Config = unknown> {
  /** `otlp_http/backup`. */
  readonly id: string
  /** Decoded and complete: defaults filled in, durations in milliseconds, sizes in bytes. */
  readonly config: Config
  readonly log: Log
  readonly meter: Meter
  readonly clock: Clock
  readonly status: StatusReporter
  /** What the extension, or the receiver, of that id offers. Call it in `start`, not in `create`. Throws where the id is not configured or offers something else. */
  extension<T>(capability: Capability<T>, id: string): T
}

export interface ReceiverContext<Config = unknown> extends Context<Config> {
  readonly ingress: Ingress
  /** What Telegen measures of itself, for a receiver that brings it into a pipeline. Undefined where nobody measures. */
  readonly own?: OwnTelemetry
}

/** Telegen's own metrics as data like any other. */
export interface OwnTelemetry {
  /** How much is measured (`service::telemetry::metrics::level`): at `none`, nothing. */
  readonly level: MetricLevel
  /** All that has been measured until now, counters from the start of the program on. The batch is the caller's to release. */
  collect(): Promise<Batch<'metrics'>>
}

export interface ProcessorContext<Config = unknown> extends Context<Config> {
  readonly signal: Signal
  /** `traces/in`. */
  readonly pipeline: string
}

export interface ConnectorContext<Config = unknown> extends Context<Config> {
  readonly from: Signal
  readonly to: Signal
}

export interface ExporterContext<Config = unknown> extends Context<Config> {
  readonly signals: readonly Signal[]
}

export interface ExtensionContext<Config = unknown> extends Context<Config> {
  readonly host: Host
}

/** What an extension may see of the whole. */
export interface Host {
  /** True from "Everything is ready" until the stop begins. */
  readonly ready: boolean
  /** When the program started, milliseconds since the Unix epoch. */
  readonly startTime: number
  statuses(): readonly ComponentStatus[]
  /** Undefined where the graph runs without the program around it. */
  readonly control?: Control | undefined
}
