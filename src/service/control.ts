import type { Catalog } from '../component/catalog.ts'
import type { BudgetReading, Control, EdgeReading, LogLevel, QueueReading, ReloadReport } from '../component/control.ts'
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
import type { Plan } from '../graph/plan.ts'
import type { Taps } from '../graph/taps.ts'
import { chosen } from './chosen.ts'

/** What of a running service is handed on to operators. */
export interface Controlled {
  readonly plan: Plan
  readonly configuration: Configuration
  readonly loaded: Loaded
  readonly catalog: Catalog
  readonly log: { level: LogLevel }
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
    draw: (form, flows) => draw(service.plan, form, flows),
    edges: () =>
      service.graph.edges.counts().map(({ edge, items, bytes }): EdgeReading => {
        const { pipeline, signal, from, to } = edge
        return { pipeline, signal, from, to, items, bytes }
      }),
    budgets: () =>
      SIGNALS.map((signal): BudgetReading => {
        const { used, limit } = service.graph.budgets[signal]
        return { signal, used, limit }
      }),
    queues: () => queues(service.metrics),
    configuration: () => configurationText(service),
    reload: () => service.reload(),
    get lastReload() {
      return service.lastReload
    },
    get logLevel() {
      return service.log.level
    },
    set logLevel(level) {
      service.log.level = level
    },
    tap: (target, listener, side) => service.graph.taps.tap(target, listener, side),
  }
}

/** The text that `print-config` prints. */
async function configurationText({ loaded, catalog, configuration, plan }: Controlled): Promise<string> {
  const { tree } = await effective(loaded.root as Mapping, catalog, false)
  return yamlText(tree, chosen(configuration, plan))
}

/** The queues' own gauges, which are there at every level but `none`. */
function queues(metrics: Metrics): QueueReading[] {
  const measured = metrics.measurements()
  const sizes = measured.filter(({ name }) => name === 'otelcol_exporter_queue_size')
  const capacities = measured.filter(({ name }) => name === 'otelcol_exporter_queue_capacity')
  return sizes.map(({ labels, value }) => {
    const { exporter = '', data_type: signal } = labels
    const same = capacities.find((each) => each.labels['exporter'] === exporter && each.labels['data_type'] === signal)
    return { exporter, signal: signal as Signal, size: value, capacity: same?.value ?? 0 }
  })
}
