import type { Level } from '../component/delivery.ts'
import { keepsOnDisk } from '../component/sending-options.ts'
import type { SendingOptions } from '../component/sending-options.ts'
import type { Configuration, Configured, Limits } from '../config/configuration.ts'
import type {
  ConnectorDefinition,
  ExporterDefinition,
  ExtensionDefinition,
  ProcessorDefinition,
  ReceiverDefinition,
} from '../component/definition.ts'
import type { Signal } from '../data/signal.ts'

/** What will run, as plain data: pure, drawable, comparable. `build` makes components of it. */
export interface Plan {
  readonly extensions: readonly Configured<ExtensionDefinition>[]
  /** In the order in which they are started: downstream first. */
  readonly pipelines: readonly PlannedPipeline[]
  readonly receivers: readonly PlannedReceiver[]
  readonly exporters: readonly PlannedExporter[]
  readonly connectors: readonly PlannedConnector[]
  readonly limits: Limits
}

/** A way into pipelines: a receiver's signal, a connector's output. */
export type Outlets = ReadonlyMap<Signal, readonly string[]>

export interface PlannedReceiver extends Configured<ReceiverDefinition> {
  /** Ids of the pipelines that each signal goes to. */
  readonly outlets: Outlets
  readonly acknowledge: Level
  /** Exporters that a signal may reach, through connectors too: their queues guard the gate. */
  readonly reaches: ReadonlyMap<Signal, readonly Reach[]>
}

export interface Reach {
  readonly exporter: string
  readonly signal: Signal
}

export interface PlannedPipeline {
  /** `traces/in`. */
  readonly id: string
  readonly signal: Signal
  readonly processors: readonly Configured<ProcessorDefinition>[]
  readonly targets: readonly Target[]
}

export type Target =
  | { readonly kind: 'exporter'; readonly id: string }
  /** One instance of the connector for each pair of signals. */
  | { readonly kind: 'connector'; readonly id: string; readonly to: Signal }

export interface PlannedExporter extends Configured<ExporterDefinition> {
  readonly signals: readonly Signal[]
}

export interface PlannedConnector extends Configured<ConnectorDefinition> {
  readonly from: Signal
  readonly to: Signal
  readonly pipelines: readonly string[]
}

/** What a checked configuration means. Components that stand in no pipeline take no part. */
export function plan(configuration: Configuration): Plan {
  const { service } = configuration
  const connectors = planConnectors(configuration)
  const pipelines = service.pipelines.map((pipeline): PlannedPipeline => ({
    id: pipeline.id,
    signal: pipeline.signal,
    processors: pipeline.processors.map((id) => must(configuration.processors, id)),
    targets: pipeline.exporters.flatMap((id): Target[] =>
      configuration.connectors.has(id)
        ? connectors
            .filter((each) => each.id === id && each.from === pipeline.signal)
            .map((each) => ({ kind: 'connector', id, to: each.to }))
        : [{ kind: 'exporter', id }],
    ),
  }))
  const sorted = downstreamFirst(pipelines, connectors)
  return {
    extensions: service.extensions.map((id) => must(configuration.extensions, id)),
    pipelines: sorted,
    receivers: planReceivers(configuration, sorted, connectors),
    exporters: planExporters(configuration),
    connectors,
    limits: service.limits,
  }
}

function planConnectors({ connectors, service }: Configuration): PlannedConnector[] {
  return [...connectors.values()].flatMap((connector) =>
    connector.definition.stability
      .map(({ from, to }) => ({
        ...connector,
        from,
        to,
        pipelines: service.pipelines
          .filter((each) => each.signal === to && each.receivers.includes(connector.id))
          .map((each) => each.id),
      }))
      .filter(
        ({ from, pipelines }) =>
          pipelines.length > 0 &&
          service.pipelines.some((each) => each.signal === from && each.exporters.includes(connector.id)),
      ),
  )
}

function planExporters({ exporters, service }: Configuration): PlannedExporter[] {
  return [...exporters.values()]
    .map((exporter) => ({
      ...exporter,
      signals: distinct(
        service.pipelines.filter((each) => each.exporters.includes(exporter.id)).map((each) => each.signal),
      ),
    }))
    .filter((exporter) => exporter.signals.length > 0)
}

function planReceivers(
  configuration: Configuration,
  pipelines: readonly PlannedPipeline[],
  connectors: readonly PlannedConnector[],
) {
  const { service } = configuration
  const reaches = reachesOf(pipelines, connectors)
  return [...configuration.receivers.values()].flatMap((receiver): PlannedReceiver[] => {
    const mine = service.pipelines.filter((each) => each.receivers.includes(receiver.id))
    if (mine.length === 0) return []
    const outlets = new Map<Signal, string[]>()
    for (const { signal, id } of mine) outlets.set(signal, [...(outlets.get(signal) ?? []), id])
    const reached = new Map(
      [...outlets].map(
        ([signal, ids]) => [signal, distinctReaches(ids.flatMap((id) => reaches.get(id) ?? []))] as const,
      ),
    )
    return [{ ...receiver, outlets, reaches: reached, acknowledge: acknowledgeOf(receiver, configuration, reached) }]
  })
}

/**
 * What the option says. For `auto`: `delivered` where a queue downstream waits for the result, `durable` where all queues downstream
 * are on disk, and else the definition's own default.
 */
function acknowledgeOf(
  { config, definition }: Configured<ReceiverDefinition>,
  { exporters }: Configuration,
  reaches: ReadonlyMap<Signal, readonly Reach[]>,
): Level {
  const { acknowledge = 'auto' } = config as { acknowledge?: Level | 'auto' }
  if (acknowledge !== 'auto') return acknowledge
  const queues = [...reaches.values()]
    .flat()
    .map(
      ({ exporter }) =>
        (exporters.get(exporter)?.config as { sending_queue?: SendingOptions['queue'] } | undefined)?.sending_queue,
    )
    .filter((queue) => queue?.enabled === true)
  if (queues.some((queue) => queue?.wait_for_result)) return 'delivered'
  if (queues.length > 0 && queues.every(keepsOnDisk)) return 'durable'
  return definition.acknowledge ?? 'accepted'
}

/** Exporters that each pipeline reaches. Relies on `pipelines` being sorted downstream first. */
function reachesOf(
  pipelines: readonly PlannedPipeline[],
  connectors: readonly PlannedConnector[],
): Map<string, Reach[]> {
  const reaches = new Map<string, Reach[]>()
  for (const { id, signal, targets } of pipelines) {
    const found = targets.flatMap((target): Reach[] =>
      target.kind === 'exporter'
        ? [{ exporter: target.id, signal }]
        : outletsOf(target, signal, connectors).flatMap((next) => reaches.get(next) ?? []),
    )
    reaches.set(id, distinctReaches(found))
  }
  return reaches
}

/** Pipelines that a connector target leads to. */
export function outletsOf(target: Target, from: Signal, connectors: readonly PlannedConnector[]): readonly string[] {
  if (target.kind === 'exporter') return []
  return (
    connectors.find((each) => each.id === target.id && each.from === from && each.to === target.to)?.pipelines ?? []
  )
}

/** Sorts so that a pipeline comes after all that it feeds; `check` has refused cycles. */
function downstreamFirst(
  pipelines: readonly PlannedPipeline[],
  connectors: readonly PlannedConnector[],
): PlannedPipeline[] {
  const byId = new Map(pipelines.map((pipeline) => [pipeline.id, pipeline]))
  const sorted = new Set<PlannedPipeline>()
  const entered = new Set<string>()
  const visit = (pipeline: PlannedPipeline): void => {
    if (sorted.has(pipeline)) return
    if (entered.has(pipeline.id)) throw new Error(`cycle through pipeline "${pipeline.id}"`)
    entered.add(pipeline.id)
    for (const target of pipeline.targets)
      for (const next of outletsOf(target, pipeline.signal, connectors)) visit(must(byId, next))
    sorted.add(pipeline)
  }
  for (const pipeline of pipelines) visit(pipeline)
  return [...sorted]
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]
const distinctReaches = (reaches: readonly Reach[]): Reach[] => [
  ...new Map(reaches.map((reach) => [`${reach.exporter} ${reach.signal}`, reach])).values(),
]

function must<V>(map: ReadonlyMap<string, V>, id: string): V {
  const value = map.get(id)
  if (value === undefined) throw new Error(`the configuration was not checked: nothing is called "${id}"`)
  return value
}
