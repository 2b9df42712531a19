import type { JsonObject } from '../../../src/data/codec/json.ts'
import type { RecordLevel } from '../../../src/data/steps/step.ts'
import type { MessageName } from '../../../src/data/wire/schema.ts'
import type { OracleSignal } from '../oracle.ts'

/** One record of a request in the shape of OTLP/JSON, and where it stands. */
export interface Found {
  readonly level: RecordLevel
  /** What the record is, and those around it. */
  readonly names: Partial<Record<RecordLevel, MessageName>>
  /** Reads, by level, this record and those around it. A resource or scope that is not there reads as empty. */
  readonly around: Partial<Record<RecordLevel, JsonObject>>
  /** Makes a record that is not there (a resource, a scope) part of the request. */
  readonly keep: (level: RecordLevel) => void
  /** Lists that the record stands in, the innermost first, with what stands in each. A container goes when it is emptied. */
  readonly holders: readonly Holder[]
}

export interface Holder {
  readonly list: JsonObject[]
  readonly element: JsonObject
}

const SUFFIX = { traces: 'Spans', metrics: 'Metrics', logs: 'Logs' }
const RECORDS = { traces: 'spans', metrics: 'metrics', logs: 'logRecords' }
const POINTS: Readonly<Record<string, MessageName>> = {
  gauge: 'NumberDataPoint',
  sum: 'NumberDataPoint',
  histogram: 'HistogramDataPoint',
  exponentialHistogram: 'ExponentialHistogramDataPoint',
  summary: 'SummaryDataPoint',
}
export const DATA = Object.keys(POINTS)

export const list = (object: JsonObject, name: string): JsonObject[] => (object[name] ?? []) as JsonObject[]

/** All records of a level, in their order. */
export function recordsIn(signal: OracleSignal, request: JsonObject, level: RecordLevel): Found[] {
  const all: Found[] = []
  const resources = list(request, `resource${SUFFIX[signal]}`)
  for (const container of resources) {
    const resource = lazily(container, 'resource')
    const inResource: Found = {
      level: 'resource',
      names: { resource: 'Resource' },
      around: { resource: resource.object },
      keep: (which) => which === 'resource' && resource.keep(),
      holders: [{ list: resources, element: container }],
    }
    all.push(inResource)
    const scopes = list(container, `scope${SUFFIX[signal]}`)
    for (const inner of scopes) {
      const scope = lazily(inner, 'scope')
      const inScope: Found = {
        level: 'scope',
        names: { ...inResource.names, scope: 'InstrumentationScope' },
        around: { ...inResource.around, scope: scope.object },
        keep: (which) => (which === 'scope' ? scope.keep() : inResource.keep(which)),
        holders: [{ list: scopes, element: inner }, ...inResource.holders],
      }
      all.push(inScope)
      for (const record of list(inner, RECORDS[signal])) all.push(...within(signal, inScope, inner, record))
    }
  }
  return all.filter((found) => found.level === level)
}

function within(signal: OracleSignal, scope: Found, container: JsonObject, record: JsonObject): Found[] {
  const records = list(container, RECORDS[signal])
  const [level, name] = (
    { traces: ['span', 'Span'], metrics: ['metric', 'Metric'], logs: ['logRecord', 'LogRecord'] } as const
  )[signal]
  const found = inside(scope, level, name, records, record)
  if (signal === 'traces') {
    const events = list(record, 'events')
    const links = list(record, 'links')
    return [
      found,
      ...events.map((event) => inside(found, 'spanEvent', 'SpanEvent', events, event)),
      ...links.map((link) => inside(found, 'spanLink', 'SpanLink', links, link)),
    ]
  }
  const data = DATA.find((each) => each in record)
  if (signal === 'logs' || data === undefined) return [found]
  const points = list(record[data] as JsonObject, 'dataPoints')
  return [
    found,
    ...points.flatMap((point) => {
      const inPoint = inside(found, 'dataPoint', POINTS[data]!, points, point)
      const exemplars = list(point, 'exemplars')
      return [inPoint, ...exemplars.map((exemplar) => inside(inPoint, 'exemplar', 'Exemplar', exemplars, exemplar))]
    }),
  ]
}

function inside(outer: Found, level: RecordLevel, name: MessageName, list: JsonObject[], element: JsonObject): Found {
  return {
    level,
    names: { ...outer.names, [level]: name },
    around: { ...outer.around, [level]: element },
    keep: outer.keep,
    holders: [{ list, element }, ...outer.holders],
  }
}

/** An object that becomes part of its parent when it is kept. */
function lazily(parent: JsonObject, name: string): { object: JsonObject; keep: () => void } {
  const object = (parent[name] ?? {}) as JsonObject
  return { object, keep: () => void (parent[name] = object) }
}
