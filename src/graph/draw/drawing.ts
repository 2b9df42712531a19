import type { Signal } from '../../data/signal.ts'
import { sendingOf, shareOf } from '../components.ts'
import type { Division } from '../division.ts'
import type { Plan, PlannedConnector, PlannedExporter, PlannedPipeline, Target } from '../plan.ts'
import { sizeText } from './size-text.ts'

/** What there is to draw of a plan: names, what is said of each, and who feeds whom. */
export interface Drawing {
  readonly extensions: readonly string[]
  readonly receivers: readonly Part[]
  /** Upstream first. */
  readonly pipelines: readonly DrawnPipeline[]
  /** One for each pair of signals. */
  readonly connectors: readonly Part[]
  readonly exporters: readonly Part[]
}

/** Something outside of pipelines. `key` tells it from all others. */
export interface Part {
  readonly key: string
  readonly id: string
  /** Short sentences: what it does with acknowledgements, its queues. */
  readonly facts: readonly string[]
  /** What holds for one signal only: an exporter has a queue for each. */
  readonly factsOf?: ReadonlyMap<Signal, readonly string[]>
  /** Ids of the pipelines that it feeds. */
  readonly feeds: readonly string[]
}

export interface DrawnPipeline {
  readonly id: string
  readonly signal: Signal
  readonly facts: readonly string[]
  readonly processors: readonly string[]
  /** Receivers and connectors that feed it, in order. */
  readonly sources: readonly Part[]
  /** Exporters and connectors that it ends in. */
  readonly targets: readonly Part[]
}

export function drawing(plan: Plan, division?: Pick<Division, 'processes' | 'copied'>): Drawing {
  const receivers = plan.receivers.map(({ id, outlets, acknowledge }): Part => ({
    key: `receiver ${id}`,
    id,
    facts: [`acknowledges ${acknowledge}`],
    feeds: [...outlets.values()].flat(),
  }))
  const connectors = plan.connectors.map((connector): Part => ({
    key: connectorKey(connector),
    id: connector.id,
    facts: [`connector, ${connector.from} to ${connector.to}`],
    feeds: connector.pipelines,
  }))
  const exporters = plan.exporters.map((exporter) => drawnExporter(exporter, plan))
  const sources = [...receivers, ...connectors]
  const ends = new Map([...connectors, ...exporters].map((part) => [part.key, part]))
  return {
    extensions: plan.extensions.map(({ id }) => id),
    receivers,
    pipelines: plan.pipelines.toReversed().map((pipeline) => drawnPipeline(pipeline, plan, sources, ends, division)),
    connectors,
    exporters,
  }
}

function drawnPipeline(
  { id, signal, processors, targets }: PlannedPipeline,
  { limits }: Plan,
  sources: readonly Part[],
  ends: ReadonlyMap<string, Part>,
  { processes, copied }: Pick<Division, 'processes' | 'copied'> = { processes: 1, copied: [] },
): DrawnPipeline {
  const where = copied.includes(id) ? `in ${processes} processes` : 'in one process'
  return {
    id,
    signal,
    facts: [`budget ${sizeText(limits[signal])} of ${signal}`, ...(processes > 1 ? [where] : [])],
    processors: processors.map((processor) => processor.id),
    sources: sources.filter(({ feeds }) => feeds.includes(id)),
    targets: targets.map((target) => ends.get(targetKey(target, signal)) as Part),
  }
}

const exporterKey = ({ id }: { readonly id: string }): string => `exporter ${id}`
const connectorKey = ({ id, from, to }: Pick<PlannedConnector, 'id' | 'from' | 'to'>): string =>
  `connector ${id} ${from} ${to}`
const targetKey = (target: Target, from: Signal): string =>
  target.kind === 'exporter' ? exporterKey(target) : connectorKey({ id: target.id, from, to: target.to })

function drawnExporter(exporter: PlannedExporter, plan: Plan): Part {
  const { id, signals } = exporter
  const { queue } = sendingOf(exporter)
  const part = { key: exporterKey(exporter), id, feeds: [] }
  if (!queue?.enabled) return { ...part, facts: ['no queue'] }
  const { queue_size: size, sizer = 'requests', num_consumers: consumers, on_full: onFull } = queue
  const capacity = (signal: Signal): string => {
    if (size === undefined) return sizeText(shareOf(plan, signal))
    return sizer === 'bytes' ? sizeText(size) : `${size} ${size === 1 ? sizer.replace(/s$/, '') : sizer}`
  }
  const sending = [`${consumers} at a time`, ...(onFull === 'drop_oldest' ? ['drops the oldest'] : [])]
  const queues = signals.map((signal) => [signal, `queue of ${capacity(signal)}`] as const)
  const alike = new Set(queues.map(([, text]) => text)).size === 1
  const told = alike
    ? [`${queues[0]?.[1]}${signals.length > 1 ? ' for each signal' : ''}`]
    : queues.map(([signal, text]) => `${text} for ${signal}`)
  return {
    ...part,
    facts: [...told, ...sending],
    factsOf: new Map(queues.map(([signal, text]) => [signal, [text, ...sending]])),
  }
}
