import type {
  ConnectorDefinition,
  Definition,
  ExporterDefinition,
  ExtensionDefinition,
  ProcessorDefinition,
  ReceiverDefinition,
} from '../component/definition.ts'
import type { Signal } from '../data/signal.ts'
import type { Place } from './place.ts'
import type { Telemetry } from './telemetry.ts'

/** A configuration that has been loaded, expanded, merged, checked and decoded: what a plan is made of. */
export interface Configuration {
  readonly receivers: ReadonlyMap<string, Configured<ReceiverDefinition>>
  readonly processors: ReadonlyMap<string, Configured<ProcessorDefinition>>
  readonly connectors: ReadonlyMap<string, Configured<ConnectorDefinition>>
  readonly exporters: ReadonlyMap<string, Configured<ExporterDefinition>>
  readonly extensions: ReadonlyMap<string, Configured<ExtensionDefinition>>
  readonly service: Service
}

export interface Configured<D extends Definition = Definition> {
  /** `otlp_http/backup`: the type canonical, the name as written. */
  readonly id: string
  readonly definition: D
  /** Decoded and complete. */
  readonly config: unknown
  /** Where the component's key stands. */
  readonly place: Place
  /** Ids of extensions that its options name (`auth::authenticator`, `sending_queue::storage`). */
  readonly mentions?: readonly string[]
}

export interface Service {
  readonly extensions: readonly string[]
  /** In the order of the file. */
  readonly pipelines: readonly Pipeline[]
  readonly limits: Limits
  /** Processes that share the work, the first included. */
  readonly workers?: number
  readonly telemetry: Telemetry
}

/** `service::workers`. */
export const MOST_WORKERS = 256

/** Ids are canonical and listed once; `receivers` and `exporters` name connectors too. */
export interface Pipeline {
  /** `traces/in`. */
  readonly id: string
  readonly signal: Signal
  readonly receivers: readonly string[]
  readonly processors: readonly string[]
  readonly exporters: readonly string[]
  readonly place: Place
}

/** Bytes that all batches of a signal may occupy together. */
export type Limits = Readonly<Record<Signal, number>>

export const DEFAULT_LIMITS: Limits = {
  traces: 256 * 2 ** 20,
  metrics: 128 * 2 ** 20,
  logs: 256 * 2 ** 20,
  profiles: 64 * 2 ** 20,
}
