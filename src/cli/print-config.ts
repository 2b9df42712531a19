import type { Configuration } from '../config/configuration.ts'
import type { Fault } from '../config/fault.ts'
import { effective } from '../config/print/effective.ts'
import { jsonText, yamlText } from '../config/print/text.ts'
import type { Note } from '../config/print/text.ts'
import { sendingOf, shareOf } from '../graph/components.ts'
import { plan } from '../graph/plan.ts'
import { sizeText } from '../graph/draw/size-text.ts'
import type { Arguments } from './arguments.ts'
import { printFaults } from './print-faults.ts'
import { read } from './read.ts'

/** Prints the configuration that takes effect. One that cannot be run is refused, unless it is asked to be printed all the same. */
export async function printConfig(given: Arguments, print: (text: string) => number): Promise<number> {
  const { loaded, catalog, checked } = await read(given, { machine: false })
  const { configuration, warnings } = checked
  const refused = given.validate && configuration === undefined
  if (refused || loaded.root === undefined) {
    printFaults([...checked.faults, ...warnings], loaded)
    return 1
  }
  const { tree, faults } = await effective(loaded.root, catalog, given.mode === 'unredacted')
  printFaults([...withoutTwins(faults), ...warnings], loaded)
  if (faults.length > 0) return 1
  const notes = configuration === undefined ? [] : chosen(configuration)
  return print(given.format === 'json' ? jsonText(tree) : yamlText(tree, notes))
}

/** What Telegen chooses by itself where the configuration leaves it to it. */
function chosen(configuration: Configuration): Note[] {
  const planned = plan(configuration)
  const receivers = planned.receivers
    .filter(({ config }) => (config as { acknowledge?: string }).acknowledge === 'auto')
    .map(({ id, acknowledge }) => ({ path: ['receivers', id, 'acknowledge'], text: acknowledge }))
  const exporters = planned.exporters.flatMap((exporter) => {
    const { queue } = sendingOf(exporter)
    const written = Object.hasOwn(exporter.config as object, 'sending_queue')
    if (!written || queue?.enabled !== true || queue.queue_size !== undefined) return []
    const shares = exporter.signals.map((signal) => `${sizeText(shareOf(planned, signal))} of ${signal}`)
    const text = `queue_size is left out: ${shares.join(', ')}, its share of service::limits`
    return [{ path: ['exporters', exporter.id, 'sending_queue'], text }]
  })
  return [...receivers, ...exporters, ...ownMetrics(configuration)]
}

/** Where Telegen's own metrics are looked at, when nobody says. */
function ownMetrics({ service }: Configuration): Note[] {
  const { level, readers } = service.telemetry.metrics
  if (level === 'none') return []
  return readers.flatMap((reader) => {
    if (reader.kind !== 'prometheus' || reader.written) return []
    const text = `readers is left out: Prometheus looks at ${reader.host}:${reader.port}`
    return [{ path: ['service', 'telemetry', 'metrics'], text }]
  })
}

/** Two places may tell the same of one fault. */
const withoutTwins = (faults: readonly Fault[]): Fault[] => [
  ...new Map(faults.map((fault) => [`${fault.path} ${fault.message}`, fault])).values(),
]
