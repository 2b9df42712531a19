import type { Observable, OperatorFunction } from 'rxjs'
import type { Batch } from '../data/batch.ts'
import type { Signal } from '../data/signal.ts'
import type { Step } from '../data/steps/step.ts'
import type { Abort } from './cancellation.ts'
import type { Capability, Offer } from './capability.ts'
import type {
  ConnectorContext,
  ExporterContext,
  ExtensionContext,
  ProcessorContext,
  ReceiverContext,
} from './context.ts'
import type { Delivery, Level } from './delivery.ts'
import type { Static, TSchema } from './options.ts'
import type { SendingOptions } from './sending-options.ts'

/**
 * A component is one value: `export default defineReceiver({ … })`. Defining has no side effect, and `create` does no
 * I/O, so that `validate` can build a whole graph without touching anything.
 */
export const KINDS = ['receiver', 'processor', 'connector', 'exporter', 'extension'] as const
export type Kind = (typeof KINDS)[number]

/** As the Collector publishes it, per signal (per `traces->metrics` pair of a connector; `extension` for an extension). */
export type Stability = 'development' | 'alpha' | 'beta' | 'stable' | 'deprecated' | 'unmaintained'

/** Plugins are built against this number; one that names another is refused by name. */
export const API_VERSION = 1

interface About<C extends TSchema> {
  /** The YAML type, snake_case: `udp_lines`. */
  readonly type: string
  /** Other names that a configuration may use: `otlphttp` for `otlp_http`. */
  readonly aliases?: readonly string[]
  /** One sentence: what it does. */
  readonly summary: string
  readonly config: C
  /** What no schema can say: yields a fault for each thing wrong. `path` leads to the option from the component's own body. */
  readonly check?: (config: Static<C>) => Iterable<OptionFault>
  /**
   * What can be found out only by looking at this machine: files that the options name and that are not there, or are not what they
   * should be. Asked after `check` found nothing, before a start and by `validate`, of components that will run. Reads, changes nothing.
   */
  readonly inspect?: (config: Static<C>) => Iterable<OptionFault>
  /**
   * The options of each of `copies` that run in a process of their own, where an amount is meant for all of them together: a limit of
   * memory. Queues of exporters are divided without it.
   */
  readonly divided?: (config: Static<C>, copies: number) => Static<C>
}

export interface OptionFault {
  readonly path: readonly (string | number)[]
  readonly message: string
  /** What would help. */
  readonly hint?: string
}

/**
 * Whether a component may be copied per worker (`replica`: stateless, and `batch`), must exist once (`global`), or is not to be scaled
 * (`none`). What says nothing exists once.
 */
export type Scale = 'none' | 'replica' | 'global'

/** Called once each by the engine: `start` before data flows, `stop` after it ceased and only after a `start` that resolved. */
export interface Life {
  /** Acquires what is needed; rejecting aborts the start of the whole plan. */
  start?(): Promise<void>
  /** Flushes and lets go, by `deadline` (an abort signal). */
  stop?(deadline: AbortSignal): Promise<void>
}

// Receivers

export interface ReceiverDefinition<C extends TSchema = TSchema> extends About<C> {
  readonly kind: 'receiver'
  readonly apiVersion: number
  readonly stability: Partial<Record<Signal, Stability>>
  readonly scale?: Scale
  /** What `acknowledge: auto` means where nothing downstream says otherwise: `delivered` for sources that can wait (files), else `accepted`, the default. */
  readonly acknowledge?: Level
  readonly create: (context: ReceiverContext<Static<C>>) => Receiver
  /** Addresses that the receiver will listen on, as `tcp://host:port` or `unix:path`: `validate` finds the ones used twice. */
  readonly listens?: (config: Static<C>) => readonly string[]
  /** What it will offer to other components, so that a reference to it is checked without creating it. */
  readonly offers?: (config: Static<C>) => readonly Capability<unknown>[]
  /** The most memory that it takes before any limit knows of it: `validate` adds it to the worst case, in these words. */
  readonly beforeLimits?: (config: Static<C>) => readonly MemoryPart[]
}

/** `256 MiB for <what>`. */
export interface MemoryPart {
  readonly bytes: number
  readonly what: string
}

/** Made by `receive` or `poll`. */
export interface Receiver {
  /** There from `create` on, since others start before it opens. */
  readonly offers?: readonly Offer[]
  /** Acquires; rejects where it cannot. Resolves to the stream of what comes in, subscribed to while running. */
  open(): Promise<Observable<Delivery>>
  /** Ceases to take data in, answers what is under way by `deadline`, lets go of what `open` acquired. The subscription ends after it. */
  close(deadline: AbortSignal): Promise<void>
}

// Processors

export interface ProcessorDefinition<C extends TSchema = TSchema> extends About<C> {
  readonly kind: 'processor'
  readonly apiVersion: number
  readonly stability: Partial<Record<Signal, Stability>>
  readonly scale?: Scale
  readonly create: (context: ProcessorContext<Static<C>>) => Processor
}

/** Either steps, which the engine fuses with those of neighbours, or an operator, which is a barrier. */
export type Processor = Life & (StepsProcessor | OperatorProcessor)

export interface StepsProcessor {
  /** Read once, after `start`: what a processor finds out there (`resource_detection`) may stand in its steps. */
  readonly steps: readonly Step[] | (() => readonly Step[])
  /** Told after each batch that lost some how many items these steps dropped: for a metric of the component's own. */
  readonly dropped?: (items: number) => void
}

export interface OperatorProcessor {
  /** Subscribed to once per run. Every delivery that goes in is passed on, turned into others, or ended. */
  readonly operator: OperatorFunction<Delivery, Delivery>
  /** What the stage holds that must outlive a reload or restart; `restore` is called before data flows. */
  readonly snapshot?: () => Promise<Uint8Array>
  readonly restore?: (state: Uint8Array) => Promise<void>
  /** True where it holds data back or reads records, so that ingress must have validated them. Default true. */
  readonly opensBatches?: boolean
}

// Connectors

export type SignalPair = readonly [from: Signal, to: Signal]

export interface ConnectorDefinition<C extends TSchema = TSchema> extends About<C> {
  readonly kind: 'connector'
  readonly apiVersion: number
  readonly stability: readonly { readonly from: Signal; readonly to: Signal; readonly level: Stability }[]
  readonly scale?: Scale
  /** Called once for each pair of signals that the configuration uses. */
  readonly create: (context: ConnectorContext<Static<C>>) => Connector
}

export interface Connector extends Life {
  /** From input deliveries to output deliveries; an input ends when its outputs, or its durable state, have it. */
  readonly operator: OperatorFunction<Delivery, Delivery>
}

// Exporters

export interface ExporterDefinition<C extends TSchema = TSchema> extends About<C> {
  readonly kind: 'exporter'
  readonly apiVersion: number
  readonly stability: Partial<Record<Signal, Stability>>
  readonly scale?: Scale
  /** True where `send` passes the bytes on unread, so that they need not be validated for it. */
  readonly forwards?: boolean
  /** How sends are queued, retried and timed; by default what the shared options in `config` say, and none where it has none. */
  readonly sending?: (config: Static<C>) => SendingOptions
  readonly create: (context: ExporterContext<Static<C>>) => Exporter
}

export interface Exporter extends Life {
  /**
   * Sends one batch. Settles only when the transport has let go of the bytes. Resolves when the other side has taken it,
   * rejects with a `Refused` that says whether to try again (anything else thrown is taken as permanent).
   * `abort` (or `cancellation`) fires at the timeout and when the drain deadline has passed.
   */
  send(batch: Batch, options: SendOptions): Promise<SendResult | void>
}

export interface SendOptions {
  /** Made when it is asked for. */
  readonly abort: AbortSignal
  /** The same, for transports that need no more than to listen: most requests are over before anybody needs a real signal. */
  readonly cancellation: Abort
  readonly origin: Delivery['origin']
}

/** Partial success: what the other side took but did not keep. Counted by reason, never sent again. */
export interface SendResult {
  readonly rejected: number
  readonly reason: string
}

// Extensions

export interface ExtensionDefinition<C extends TSchema = TSchema> extends About<C> {
  readonly kind: 'extension'
  readonly apiVersion: number
  readonly stability: { readonly extension: Stability }
  /** `replica`: whoever uses it may be copied, and each copy has one of its own. */
  readonly scale?: Scale
  readonly create: (context: ExtensionContext<Static<C>>) => Extension
  /** What it will offer, so that a reference to it is checked without creating it. Where this is missing, that shows at the start. */
  readonly offers?: (config: Static<C>) => readonly Capability<unknown>[]
  readonly listens?: (config: Static<C>) => readonly string[]
}

/** Started before all pipelines, stopped after them. */
export interface Extension extends Life {
  readonly offers?: readonly Offer[]
}

export type Definition =
  ReceiverDefinition | ProcessorDefinition | ConnectorDefinition | ExporterDefinition | ExtensionDefinition

type Written<D> = Omit<D, 'kind' | 'apiVersion'>

export const defineReceiver = <C extends TSchema>(
  definition: Written<ReceiverDefinition<C>>,
): ReceiverDefinition<C> => ({
  kind: 'receiver',
  apiVersion: API_VERSION,
  ...definition,
})
export const defineProcessor = <C extends TSchema>(
  definition: Written<ProcessorDefinition<C>>,
): ProcessorDefinition<C> => ({
  kind: 'processor',
  apiVersion: API_VERSION,
  ...definition,
})
export const defineConnector = <C extends TSchema>(
  definition: Written<ConnectorDefinition<C>>,
): ConnectorDefinition<C> => ({
  kind: 'connector',
  apiVersion: API_VERSION,
  ...definition,
})
export const defineExporter = <C extends TSchema>(
  definition: Written<ExporterDefinition<C>>,
): ExporterDefinition<C> => ({
  kind: 'exporter',
  apiVersion: API_VERSION,
  ...definition,
})
export const defineExtension = <C extends TSchema>(
  definition: Written<ExtensionDefinition<C>>,
): ExtensionDefinition<C> => ({
  kind: 'extension',
  apiVersion: API_VERSION,
  ...definition,
})
