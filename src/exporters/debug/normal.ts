import type { Signal } from '../../plugin.ts'
import { profileLine } from './profiles.ts'
import { fixed, numberIn, objectIn, objectsIn, shortest, textIn, textOf, valuesIn } from './text.ts'
import type { Json } from './text.ts'

/** About a line for each record, as the Collector's `verbosity: normal` has it. `index`: which resource of the batch this is. */
export function* normalLines(signal: Signal, request: Json, index: number): Iterable<string> {
  const { list, scopes, records, resourceName, scopeName, lines } = SHAPES[signal]
  for (const each of objectsIn(request[list])) {
    const resource = objectIn(each['resource'])
    yield `${resourceName} #${index}${bracketed(textIn(each['schemaUrl']))}${listed(resource['attributes'])}`
    for (const [number, scope] of objectsIn(each[scopes]).entries()) {
      yield `${scopeName} #${number}${scopeDetails(scope)}${listed(objectIn(scope['scope'])['attributes'])}`
      for (const record of objectsIn(scope[records])) yield* lines(record)
    }
  }
}

const SHAPES = {
  traces: {
    list: 'resourceSpans',
    scopes: 'scopeSpans',
    records: 'spans',
    resourceName: 'ResourceTraces',
    scopeName: 'ScopeTraces',
    lines: spanLine,
  },
  metrics: {
    list: 'resourceMetrics',
    scopes: 'scopeMetrics',
    records: 'metrics',
    resourceName: 'ResourceMetrics',
    scopeName: 'ScopeMetrics',
    lines: metricLines,
  },
  logs: {
    list: 'resourceLogs',
    scopes: 'scopeLogs',
    records: 'logRecords',
    resourceName: 'ResourceLog',
    scopeName: 'ScopeLog',
    lines: logLine,
  },
  profiles: {
    list: 'resourceProfiles',
    scopes: 'scopeProfiles',
    records: 'profiles',
    resourceName: 'ResourceProfiles',
    scopeName: 'ScopeProfiles',
    lines: profileLine,
  },
} as const

function* spanLine(span: Json): Iterable<string> {
  yield `${textIn(span['name'])} ${textIn(span['traceId'])} ${textIn(span['spanId'])}${listed(span['attributes'])}`
}

function* logLine(record: Json): Iterable<string> {
  yield `${textOf(record['body'])} ${pairs(record['attributes']).join(' ')}`
}

function* metricLines(metric: Json): Iterable<string> {
  for (const [field, valueOf] of Object.entries(POINT_VALUES)) {
    for (const point of objectsIn(objectIn(metric[field])['dataPoints']))
      yield `${textIn(metric['name'])}{${pairs(point['attributes']).join(',')}} ${valueOf(point)}`
  }
}

const POINT_VALUES: Readonly<Record<string, (point: Json) => string>> = {
  gauge: numberValue,
  sum: numberValue,
  histogram: histogramValue,
  exponentialHistogram: exponentialHistogramValue,
  summary: summaryValue,
}

function numberValue(point: Json): string {
  if (point['asInt'] !== undefined) return numberIn(point['asInt'])
  return point['asDouble'] === undefined ? '' : shortest(point['asDouble'])
}

function histogramValue(point: Json): string {
  const bounds = valuesIn(point['explicitBounds'])
  const buckets = valuesIn(point['bucketCounts']).map((count, index) => {
    const bound = index < bounds.length ? `le${shortest(bounds[index])}=` : ''
    return ` ${bound}${numberIn(count)}`
  })
  return summed(point) + buckets.join('')
}

/** Buckets from the lowest to the highest, each with the bound above it: those of negative values first, and backwards. */
function exponentialHistogramValue(point: Json): string {
  const factor = Math.LN2 * 2 ** -Number(point['scale'] ?? 0)
  const negative = bucketsOf(point['negative']).map(({ index, count }) => [-Math.exp(index * factor), count] as const)
  const positive = bucketsOf(point['positive']).map(
    ({ index, count }) => [Math.exp((index + 1) * factor), count] as const,
  )
  const texts = (buckets: readonly (readonly [bound: number, count: string])[]) =>
    buckets.map(([bound, count]) => ` le${shortest(bound)}=${count}`).join('')
  const zeros = numberIn(point['zeroCount'])
  return summed(point) + texts(negative.toReversed()) + (zeros === '0' ? '' : ` zero=${zeros}`) + texts(positive)
}

function bucketsOf(side: unknown): { readonly index: number; readonly count: string }[] {
  const { offset, bucketCounts } = objectIn(side)
  return valuesIn(bucketCounts).map((count, place) => ({ index: Number(offset ?? 0) + place, count: numberIn(count) }))
}

function summaryValue(point: Json): string {
  const quantiles = objectsIn(point['quantileValues']).map(
    ({ quantile, value }) => ` q${shortest(quantile)}=${shortest(value)}`,
  )
  return `count=${numberIn(point['count'])} sum=${fixed(point['sum'])}${quantiles.join('')}`
}

function summed(point: Json): string {
  const optional = ['sum', 'min', 'max'].flatMap((field) =>
    point[field] === undefined ? [] : [` ${field}=${shortest(point[field])}`],
  )
  return `count=${numberIn(point['count'])}${optional.join('')}`
}

const bracketed = (schemaUrl: string): string => (schemaUrl === '' ? '' : ` [${schemaUrl}]`)

function scopeDetails(scope: Json): string {
  const { name, version } = objectIn(scope['scope'])
  const named = `${textIn(name)}${version ? `@${textIn(version)}` : ''}`
  return `${named && ` ${named}`}${bracketed(textIn(scope['schemaUrl']))}`
}

const listed = (attributes: unknown): string =>
  pairs(attributes)
    .map((pair) => ` ${pair}`)
    .join('')

const pairs = (attributes: unknown): string[] =>
  objectsIn(attributes).map(({ key, value }) => `${textIn(key)}=${textOf(value)}`)
