import type { Catalog } from '../component/catalog.ts'
import type { Kind } from '../component/definition.ts'
import { readComponents, canonicalId } from './check/components.ts'
import type { Component, Components } from './check/components.ts'
import { checkConnectors } from './check/connectors.ts'
import { checkCycles } from './check/cycles.ts'
import { checkMachine } from './check/inspection.ts'
import { checkListeners } from './check/listeners.ts'
import { metricListeners } from './check/metric-listeners.ts'
import { checkMemory, checkQueues } from './check/memory.ts'
import { checkMentions } from './check/mentions.ts'
import { readPipelines } from './check/pipelines.ts'
import type { Part, Written } from './check/pipelines.ts'
import { readService } from './check/service.ts'
import type { ServiceSection } from './check/service.ts'
import { checkSignals } from './check/signals.ts'
import { checkTopLevel } from './check/top-level.ts'
import { checkUnused, usedComponents } from './check/unused.ts'
import type { Configuration, Configured, Pipeline } from './configuration.ts'
import type { Mention } from './decode/spot.ts'
import { error, inOrder } from './fault.ts'
import type { Fault } from './fault.ts'
import type { Loaded } from './load.ts'
import { memoryLimit } from './machine/memory-limit.ts'
import type { MemoryLimit } from './machine/memory-limit.ts'
import { placeOf } from './node.ts'
import type { Mapping } from './node.ts'
import { wholeSource } from './place.ts'
import { loadPlugins } from './plugins.ts'
import { printableUrl } from './sources/url.ts'

export interface Checked {
  /** There only where there are no faults. */
  readonly configuration?: Configuration
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

export interface CheckOptions {
  /** Whether to look at this machine too: at the files that options name, and at its memory. Default true; false for who only shows a configuration. */
  readonly machine?: boolean
  /** Memory that there is; found out where it is left out. */
  readonly memory?: MemoryLimit
}

/**
 * Finds everything that is wrong with a configuration, at once and in a stable order, or makes a `Configuration` of it.
 * Plugins that it names are loaded into `catalog` first. Nothing is started or listened on; files that options name are read.
 */
export async function check(loaded: Loaded, catalog: Catalog, options: CheckOptions = {}): Promise<Checked> {
  const faults = [...loaded.faults, ...loaded.needed.map(notFetched)]
  const warnings = [...loaded.warnings]
  const result = loaded.root && (await checkRoot(loaded.root, loaded, catalog, options, faults, warnings))
  const sources = [...loaded.texts.keys()]
  const ordered = { faults: inOrder(faults, sources), warnings: inOrder(warnings, sources) }
  return faults.length > 0 || result === undefined ? ordered : { ...ordered, configuration: configuration(result) }
}

interface Result {
  readonly components: Components
  readonly pipelines: readonly Written[]
  readonly service: ServiceSection
}

async function checkRoot(
  root: Mapping,
  { directory, overridden, secrets }: Loaded,
  catalog: Catalog,
  { machine = true, memory }: CheckOptions,
  faults: Fault[],
  warnings: Fault[],
): Promise<Result | undefined> {
  const report = (fault: Fault): void => void (fault.severity === 'error' ? faults : warnings).push(fault)
  if (!checkTopLevel(root, report)) return undefined
  await loadPlugins(root, directory, catalog, report)
  const components = await readComponents(root, catalog, report)
  secrets.push(...components.secrets)
  const canonical = (kind: Kind, id: string) => canonicalId(kind, id, catalog)
  const service = readService(root, components, canonical, report)
  const pipelines =
    service.pipelines === undefined && service.unread
      ? []
      : readPipelines(service.pipelines, service.place, components, canonical, report)
  checkMentions(components, pipelines, service.extensions, report)
  checkSignals(pipelines, report)
  checkConnectors(components, pipelines, report)
  checkCycles(pipelines, report)
  const used = usedComponents(components, pipelines, service.extensions)
  checkListeners(used, metricListeners(service.telemetry, root), report)
  checkQueues(used, pipelines, service.limits, report)
  if (machine) {
    checkMachine(used, report)
    checkMemory(
      used,
      pipelines,
      service.limits,
      placeOf(root, ['service', 'limits']),
      memory ?? memoryLimit(),
      report,
      service.workers,
    )
  }
  // What a broken pipeline names is not unused.
  if (faults.length === 0) checkUnused(components, used, overridden, report)
  return { components, pipelines, service }
}

/** Whoever loads without a network gets no further. */
const notFetched = (url: string): Fault =>
  error({
    code: 'not_fetched',
    message: 'is on the network and was not fetched',
    path: '',
    place: wholeSource(printableUrl(url)),
  })

function configuration({ components: { byKind, mentions }, pipelines, service }: Result): Configuration {
  const configured = (components: ReadonlyMap<string, Component>) => configuredOf(components, mentions)
  return {
    receivers: configured(byKind.receiver) as Configuration['receivers'],
    processors: configured(byKind.processor) as Configuration['processors'],
    connectors: configured(byKind.connector) as Configuration['connectors'],
    exporters: configured(byKind.exporter) as Configuration['exporters'],
    extensions: configured(byKind.extension) as Configuration['extensions'],
    service: {
      extensions: service.extensions,
      pipelines: pipelines.map(pipeline),
      limits: service.limits,
      workers: service.workers,
      telemetry: service.telemetry,
    },
  }
}

function configuredOf(
  components: ReadonlyMap<string, Component>,
  mentions: readonly Mention[],
): ReadonlyMap<string, Configured> {
  return new Map(
    [...components.values()].flatMap(({ id, definition, config, place, path }) => {
      if (definition === undefined) return []
      const named = mentions.filter((each) => each.of === 'extension' && each.path === path).map((each) => each.id)
      return [[id, { id, definition, config, place, ...(named.length > 0 && { mentions: [...new Set(named)] }) }]]
    }),
  )
}

const pipeline = ({ id, signal, place, receivers, processors, exporters }: Written): Pipeline => ({
  id,
  signal,
  place,
  receivers: receivers.map(partId),
  processors: processors.map(partId),
  exporters: exporters.map(partId),
})

const partId = ({ component }: Part): string => component.id
