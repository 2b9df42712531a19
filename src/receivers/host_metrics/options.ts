import type { OptionFault, Static } from '../../plugin.ts'
import { Block, Duration, Options, Type, scraperOptions } from '../../plugin.ts'
import type { MetricSwitches, MetricTable } from './metric.ts'
import { unknownMetrics } from './metric.ts'
import type { Host, Scraper } from './scraper.ts'
import { cpu, cpuMetrics, cpuOptions } from './scrapers/cpu.ts'
import { disk, diskMetrics, diskOptions } from './scrapers/disk.ts'
import { filesystem, filesystemMetrics, filesystemOptions } from './scrapers/filesystem.ts'
import { load, loadMetrics, loadOptions } from './scrapers/load.ts'
import { memory, memoryMetrics, memoryOptions } from './scrapers/memory.ts'
import { network, networkMetrics, networkOptions } from './scrapers/network.ts'
import { paging, pagingMetrics, pagingOptions } from './scrapers/paging.ts'
import { processes, processesMetrics, processesOptions } from './scrapers/processes.ts'
import { system, systemMetrics, systemOptions } from './scrapers/system.ts'
import type { Names } from './selection.ts'
import { selectionFaults } from './selection.ts'

interface Kind {
  readonly metrics: MetricTable
  readonly make: (host: Host<never>) => Scraper
}

export const SCRAPERS = {
  cpu: { metrics: cpuMetrics, make: cpu },
  disk: { metrics: diskMetrics, make: disk },
  filesystem: { metrics: filesystemMetrics, make: filesystem },
  load: { metrics: loadMetrics, make: load },
  memory: { metrics: memoryMetrics, make: memory },
  network: { metrics: networkMetrics, make: network },
  paging: { metrics: pagingMetrics, make: paging },
  processes: { metrics: processesMetrics, make: processes },
  system: { metrics: systemMetrics, make: system },
} satisfies Record<string, Kind>

export type ScraperName = keyof typeof SCRAPERS

/** The Collector's scrapers that are missing here. They are let in, so that `check` can say so. */
const MISSING = ['process', 'nfs'] as const
const missing = (name: string) => Type.Optional(Type.Unknown({ description: `Not built yet: refused (${name}).` }))

export const hostMetricsOptions = Options({
  ...scraperOptions('1m'),
  root_path: Type.String({
    default: '',
    description: "Where the host's root filesystem is, for a container that has it mounted.",
  }),
  metadata_collection_interval: Duration({
    default: '5m',
    description: 'Taken, and without effect: the Collector sends entity events in logs so often.',
  }),
  scrapers: Block(
    {
      cpu: Type.Optional(cpuOptions),
      disk: Type.Optional(diskOptions),
      filesystem: Type.Optional(filesystemOptions),
      load: Type.Optional(loadOptions),
      memory: Type.Optional(memoryOptions),
      network: Type.Optional(networkOptions),
      paging: Type.Optional(pagingOptions),
      processes: Type.Optional(processesOptions),
      system: Type.Optional(systemOptions),
      process: missing('process'),
      nfs: missing('nfs'),
    },
    { description: 'What to read: each scraper that stands here is on.' },
  ),
})

export type HostMetricsConfig = Static<typeof hostMetricsOptions>

interface ScraperConfig {
  readonly metrics: MetricSwitches
  readonly [block: string]: unknown
}

/** The scrapers that are on, with their options. */
export function configuredScrapers(config: HostMetricsConfig): readonly (readonly [ScraperName, ScraperConfig])[] {
  const names = Object.keys(SCRAPERS) as ScraperName[]
  return names.flatMap((name) => {
    const options = config.scrapers[name] as ScraperConfig | undefined
    return options === undefined ? [] : [[name, options] as const]
  })
}

export function* checkHostMetrics(config: HostMetricsConfig): Iterable<OptionFault> {
  if (config.collection_interval <= 0)
    yield { path: ['collection_interval'], message: '"collection_interval": requires positive value' }
  if (config.root_path !== '' && !config.root_path.startsWith('/'))
    yield { path: ['root_path'], message: `root_path "${config.root_path}" is not an absolute path` }
  for (const name of MISSING)
    if (name in config.scrapers) yield { path: ['scrapers', name], message: `the scraper "${name}" is not built yet` }
  const scrapers = configuredScrapers(config)
  if (scrapers.length === 0)
    yield { path: ['scrapers'], message: 'must specify at least one scraper when using hostmetrics receiver' }
  for (const [name, options] of scrapers) yield* checkScraper(name, options)
}

function* checkScraper(name: ScraperName, options: ScraperConfig): Iterable<OptionFault> {
  const { metrics } = SCRAPERS[name]
  for (const metric of unknownMetrics(metrics, options.metrics)) {
    const message = `the metric "${metric}" of the scraper "${name}" is not built yet`
    yield { path: ['scrapers', name, 'metrics', metric], message }
  }
  for (const block of Object.keys(options).filter((key) => /^(in|ex)clude(?!_virtual)/.test(key))) {
    const names = options[block] as Names | undefined
    const key = Object.keys(names ?? {}).find((one) => one !== 'match_type')
    if (key === undefined) continue
    for (const fault of selectionFaults(key, block, names)) yield { ...fault, path: ['scrapers', name, ...fault.path] }
  }
}
