import type { Catalog } from '../component/catalog.ts'
import type {
  BudgetReading,
  Control,
  EdgeReading,
  LogLevel,
  QueueReading,
  ReloadReport,
  Tap,
} from '../component/control.ts'
import type { Configuration } from '../config/configuration.ts'
import type { Loaded } from '../config/load.ts'
import type { Mapping } from '../config/node.ts'
import { effective } from '../config/print/effective.ts'
import { yamlText } from '../config/print/text.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import { SIGNALS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import { draw } from '../graph/draw/draw.ts'
import type { Edges } from '../graph/edges.ts'
import type { Metrics } from '../graph/metrics.ts'
import type { Division } from '../graph/division.ts'
import { plan } from '../graph/plan.ts'
import type { Taps } from '../graph/taps.ts'
import { chosen } from './chosen.ts'
import type { Crew } from './workers/crew.ts'
import type { Look } from './workers/messages.ts'
import { mergedBudgets, mergedEdges } from './workers/merge.ts'

/** What of a running service is handed on to operators. */
export interface Controlled {
  readonly division: Division
  readonly configuration: Configuration
  readonly loaded: Loaded
  readonly catalog: Catalog
  logLevel: LogLevel
  readonly crew: Crew | undefined
  readonly metrics: Metrics
  readonly graph: {
    readonly edges: Edges
    readonly taps: Taps
    readonly budgets: Readonly<Record<Signal, ByteBudget>>
  }
  readonly lastReload: ReloadReport | undefined
  reload(): Promise<ReloadReport>
}

/** Everything is looked up when it is asked for: the service is not complete yet when its extensions are made. */
export function controlOf(service: Controlled, version: string): Control {
  return {
    version,
    draw: (form, flows) => draw(plan(service.configuration), form, flows, service.division),
    edges: () => mergedEdges([edges(service), ...looks(service).map((each) => each.edges)]),
    budgets: () => mergedBudgets([budgets(service), ...looks(service).map((each) => each.budgets)]),
    queues: () => queues(service),
    configuration: () => configurationText(service),
    reload: () => service.reload(),
    get lastReload() {
      return service.lastReload
    },
    get logLevel() {
      return service.logLevel
    },
    set logLevel(level) {
      service.logLevel = level
    },
    tap: (target, listener, side) => tap(service, target, listener, side),
  }
}

/** The text that `print-config` prints. */
async function configurationText({ loaded, catalog, configuration }: Controlled): Promise<string> {
  const { tree } = await effective(loaded.root as Mapping, catalog, false)
  return yamlText(tree, chosen(configuration, plan(configuration)))
}

const looks = ({ crew }: Controlled): readonly Look[] => crew?.lastLooks ?? []

const edges = ({ graph }: Controlled): EdgeReading[] =>
  graph.edges.counts().map(({ edge: { pipeline, signal, from, to }, items, bytes }) => {
    return { pipeline, signal, from, to, items, bytes }
  })

const budgets = ({ graph }: Controlled): BudgetReading[] =>
  SIGNALS.map((signal) => ({ signal, used: graph.budgets[signal].used, limit: graph.budgets[signal].limit }))

/** This process has all edges that others have, and so knows what can be looked at, and what is to be said of it. */
function tap({ graph, crew }: Controlled, ...asked: Parameters<Control['tap']>): Tap {
  const [target, listener, side] = asked
  const own = graph.taps.tap(target, listener, side)
  const theirs = crew?.tap(target, listener, side)
  const close = () => {
    own.close()
    theirs?.close()
  }
  return { edges: own.edges, note: own.note, close }
}

/** The queues' own gauges, which are there at every level but `none`. */
function queues({ metrics, crew }: Controlled): QueueReading[] {
  const own = metrics.collect()
  const measured = (crew?.lastMeasured(own) ?? own).flatMap(({ name, points }) =>
    points.map(({ labels, value }) => ({ name, labels, value })),
  )
  const sizes = measured.filter(({ name }) => name === 'otelcol_exporter_queue_size')
  const capacities = measured.filter(({ name }) => name === 'otelcol_exporter_queue_capacity')
  return sizes.map(({ labels, value }) => {
    const { exporter = '', data_type: signal } = labels
    const same = capacities.find((each) => each.labels['exporter'] === exporter && each.labels['data_type'] === signal)
    return { exporter, signal: signal as Signal, size: value, capacity: same?.value ?? 0 }
  })
}
