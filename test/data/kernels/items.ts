import type { JsonObject } from '../../../src/data/codec/json.ts'
import type { OracleSignal } from '../oracle.ts'

const KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

/** One item of a request with all that describes it, without what stands beside it. */
export interface Item {
  readonly resource: JsonObject
  readonly scope: JsonObject
  readonly metric?: JsonObject
  readonly data?: JsonObject
  readonly item: JsonObject
}

/** The items of a request in the shape of OTLP/JSON, in their order: spans, log records or data points. */
export function itemsIn(signal: OracleSignal, request: JsonObject): Item[] {
  const suffix = { traces: 'Spans', metrics: 'Metrics', logs: 'Logs' }[signal]
  const records = { traces: 'spans', metrics: 'metrics', logs: 'logRecords' }[signal]
  const items: Item[] = []
  for (const resources of list(request, `resource${suffix}`)) {
    const resource = without(resources, `scope${suffix}`)
    for (const scopes of list(resources, `scope${suffix}`)) {
      const scope = without(scopes, records)
      for (const record of list(scopes, records)) {
        if (signal === 'metrics') items.push(...points(record).map((point) => ({ resource, scope, ...point })))
        else items.push({ resource, scope, item: record })
      }
    }
  }
  return items
}

function points(metric: JsonObject): Pick<Item, 'metric' | 'data' | 'item'>[] {
  const kind = KINDS.find((name) => metric[name] !== undefined)
  if (kind === undefined) return []
  const data = metric[kind] as JsonObject
  const described = { metric: { ...metric, [kind]: true }, data: without(data, 'dataPoints') }
  return list(data, 'dataPoints').map((item) => ({ ...described, item }))
}

function list(object: JsonObject, name: string): JsonObject[] {
  return (object[name] ?? []) as JsonObject[]
}

function without(object: JsonObject, name: string): JsonObject {
  const { [name]: _, ...rest } = object
  return rest
}
