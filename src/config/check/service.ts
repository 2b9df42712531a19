import type { Limits } from '../configuration.ts'
import { DEFAULT_LIMITS, MOST_WORKERS } from '../configuration.ts'
import { decode } from '../decode/decode.ts'
import type { Schema } from '../decode/schema.ts'
import { spot } from '../decode/spot.ts'
import type { Fault } from '../fault.ts'
import { coresLimit } from '../machine/cores-limit.ts'
import { isNull, isWhole, mapping } from '../node.ts'
import type { Item, Mapping, Node } from '../node.ts'
import type { Place } from '../place.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Components } from './components.ts'
import { located } from './option-fault.ts'
import { didYouMean, isMisspelt } from '../nearest.ts'
import { notConfigured, placeAt } from './pipelines.ts'
import type { CanonicalId } from './pipelines.ts'
import { DEFAULT_READERS, metricReader } from './metric-readers.ts'
import { isUnread, startOf } from './top-level.ts'
import { logLevel, metricLevel, outputPath, resourceAttributes, SERVICE, telemetryFaults } from './telemetry.ts'
import type { Service } from './telemetry.ts'

/** The `service` section but for its pipelines, which are handed on as written. */
export interface ServiceSection {
  readonly place: Place
  readonly pipelines: Item | undefined
  /** Whether pipelines are there under a name that was misspelt, which is reported: none are missed. */
  readonly unread: boolean
  /** Canonical ids of the extensions that are to run. */
  readonly extensions: readonly string[]
  readonly limits: Limits
  readonly workers: number
  readonly telemetry: Telemetry
}

const KEYS = ['extensions', 'limits', 'pipelines', 'telemetry', 'workers']
const EXTENSIONS: Schema = { type: 'array', items: { type: 'string' } }

/** Reads `service::extensions`, `service::limits`, `service::workers` and `service::telemetry`. */
export function readService(
  root: Mapping,
  components: Components,
  canonical: CanonicalId,
  report: (fault: Fault) => void,
): ServiceSection {
  const item = root.entries.get('service')
  const place = item?.key ?? startOf(root)
  const body = item?.node.kind === 'map' ? item.node : mapping([], place)
  const rest = new Map(body.entries)
  rest.delete('pipelines')
  rest.delete('extensions')
  const options =
    item === undefined || isNull(item.node) || item.node.kind === 'map' ? { ...body, entries: rest } : item.node
  return {
    place,
    pipelines: body.entries.get('pipelines'),
    unread: isUnread(root, 'service') || isMisspelt('pipelines', body.entries.keys(), KEYS),
    extensions: readExtensions(body.entries.get('extensions'), components, canonical, report),
    ...readOptions(options, report),
  }
}

function readExtensions(
  item: Item | undefined,
  components: Components,
  canonical: CanonicalId,
  report: (fault: Fault) => void,
): string[] {
  if (item === undefined || isNull(item.node)) return []
  const at = { ...spot('service'), name: 'service.extensions' }
  const ids = (decode(EXTENSIONS, item.node, at) ?? []) as readonly (string | undefined)[]
  at.faults.forEach(report)
  const known = ids.flatMap((written, index) => {
    if (written === undefined) return []
    const id = canonical('extension', written)
    if (id !== undefined && components.byKind.extension.has(id)) return [id]
    if (components.unread.has('extension')) return []
    report(notConfigured(['extension'], written, placeAt(item, index, item.key), 'service::extensions', components))
    return []
  })
  return [...new Set(known)]
}

type ServiceOptions = Pick<ServiceSection, 'limits' | 'workers' | 'telemetry'>

function readOptions(node: Node, report: (fault: Fault) => void): ServiceOptions {
  // The Collector's decoder names these from the top: 'service.telemetry'.
  const at = { ...spot('service'), name: 'service' }
  const service = decode(SERVICE as Schema, node, at) as Service | undefined
  const faults = at.faults.map(withAllKeys)
  // A value that could not be made out is missing here, and its fault is reported already.
  if (faults.length === 0 && service !== undefined && isWhole(node))
    for (const fault of telemetryFaults(service)) faults.push(located(fault, 'service', node, node.place, service))
  faults.forEach(report)
  if (faults.length > 0 || service === undefined || !isWhole(node)) return DEFAULTS
  const workers = typeof service.workers === 'string' ? Math.min(coresLimit(), MOST_WORKERS) : service.workers
  return { limits: service.limits, workers, telemetry: telemetryOf(service) }
}

const UNKNOWN = "'service' has invalid keys: "

/** Pipelines and extensions were taken out before, and may be meant as well. */
function withAllKeys(fault: Fault): Fault {
  if (!fault.message.startsWith(UNKNOWN)) return fault
  return { ...fault, hint: didYouMean(fault.message.slice(UNKNOWN.length), KEYS) ?? `options are ${KEYS.join(', ')}` }
}

function telemetryOf(service: Service): Telemetry {
  const { logs, metrics } = service.telemetry
  return {
    logs: {
      level: logLevel(logs.level) ?? 'info',
      encoding: logs.encoding === 'json' ? 'json' : 'console',
      outputPaths: logs.output_paths.flatMap((path) => outputPath(path) ?? []),
      initialFields: logs.initial_fields,
      resource: !logs.disable_zap_resource,
    },
    metrics: {
      level: metricLevel(metrics.level) ?? 'normal',
      readers: metrics.readers?.map(metricReader) ?? DEFAULT_READERS,
    },
    resource: resourceAttributes(service),
  }
}

/** Stands in where the section is faulty, and then nothing runs. */
const DEFAULTS: ServiceOptions = {
  limits: DEFAULT_LIMITS,
  workers: 1,
  telemetry: {
    logs: { level: 'info', encoding: 'console', outputPaths: ['stderr'], initialFields: {}, resource: true },
    metrics: { level: 'normal', readers: [] },
    resource: {},
  },
}
