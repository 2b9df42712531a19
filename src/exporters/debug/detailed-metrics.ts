import { attributeLines, NESTED } from './attribute-lines.ts'
import { fixed, numberIn, objectIn, objectsIn, textIn, timeOf, valuesIn } from './text.ts'
import type { Json } from './text.ts'

interface Kind {
  readonly name: string
  readonly pointName: string
  readonly hasTemporality: boolean
  readonly value: (point: Json) => Iterable<string>
}

const KINDS: Readonly<Record<string, Kind>> = {
  gauge: { name: 'Gauge', pointName: 'NumberDataPoints', hasTemporality: false, value: numberLines },
  sum: { name: 'Sum', pointName: 'NumberDataPoints', hasTemporality: true, value: numberLines },
  histogram: { name: 'Histogram', pointName: 'HistogramDataPoints', hasTemporality: true, value: histogramLines },
  exponentialHistogram: {
    name: 'ExponentialHistogram',
    pointName: 'ExponentialHistogramDataPoints',
    hasTemporality: true,
    value: exponentialHistogramLines,
  },
  summary: { name: 'Summary', pointName: 'SummaryDataPoints', hasTemporality: false, value: summaryLines },
}

const TEMPORALITIES = ['Unspecified', 'Delta', 'Cumulative']

export function* metricDetails(metric: Json): Iterable<string> {
  const [field, kind] = Object.entries(KINDS).find(([each]) => metric[each] !== undefined) ?? []
  yield 'Descriptor:'
  yield `     -> Name: ${textIn(metric['name'])}`
  yield `     -> Description: ${textIn(metric['description'])}`
  yield `     -> Unit: ${textIn(metric['unit'])}`
  yield `     -> DataType: ${kind?.name ?? 'Empty'}`
  yield* attributeLines('     -> Metadata', metric['metadata'], NESTED)
  if (field === undefined || kind === undefined) return
  const data = objectIn(metric[field])
  if (field === 'sum') yield `     -> IsMonotonic: ${data['isMonotonic'] === true}`
  if (kind.hasTemporality)
    yield `     -> AggregationTemporality: ${TEMPORALITIES[Number(data['aggregationTemporality'] ?? 0)] ?? ''}`
  for (const [index, point] of objectsIn(data['dataPoints']).entries()) {
    yield `${kind.pointName} #${index}`
    yield* attributeLines('Data point attributes', point['attributes'])
    yield `StartTimestamp: ${timeOf(point['startTimeUnixNano'])}`
    yield `Timestamp: ${timeOf(point['timeUnixNano'])}`
    yield* kind.value(point)
    yield* exemplarLines(point['exemplars'])
  }
}

function* numberLines(point: Json, indent = ''): Iterable<string> {
  if (point['asInt'] !== undefined) yield `${indent}Value: ${numberIn(point['asInt'])}`
  else if (point['asDouble'] !== undefined) yield `${indent}Value: ${fixed(point['asDouble'])}`
}

function* histogramLines(point: Json): Iterable<string> {
  yield* summedLines(point)
  for (const [index, bound] of valuesIn(point['explicitBounds']).entries())
    yield `ExplicitBounds #${index}: ${fixed(bound)}`
  for (const [index, count] of valuesIn(point['bucketCounts']).entries())
    yield `Buckets #${index}, Count: ${numberIn(count)}`
}

/** Bounds are powers of the base 2^(2^-scale), which for the outermost buckets may be infinite. */
function* exponentialHistogramLines(point: Json): Iterable<string> {
  yield* summedLines(point)
  const factor = Math.LN2 * 2 ** -Number(point['scale'] ?? 0)
  const side = (name: string) => {
    const { offset, bucketCounts } = objectIn(point[name])
    return valuesIn(bucketCounts).map((count, index) => ({
      lower: Math.exp((Number(offset ?? 0) + index) * factor),
      upper: Math.exp((Number(offset ?? 0) + index + 1) * factor),
      count: numberIn(count),
    }))
  }
  for (const { lower, upper, count } of side('negative').toReversed())
    yield `Bucket [${fixed(-upper)}, ${fixed(-lower)}), Count: ${count}`
  if (numberIn(point['zeroCount']) !== '0') yield `Bucket [0, 0], Count: ${numberIn(point['zeroCount'])}`
  for (const { lower, upper, count } of side('positive'))
    yield `Bucket (${fixed(lower)}, ${fixed(upper)}], Count: ${count}`
}

function* summaryLines(point: Json): Iterable<string> {
  yield `Count: ${numberIn(point['count'])}`
  yield `Sum: ${fixed(point['sum'])}`
  for (const [index, { quantile, value }] of objectsIn(point['quantileValues']).entries())
    yield `QuantileValue #${index}: Quantile ${fixed(quantile)}, Value ${fixed(value)}`
}

function* summedLines(point: Json): Iterable<string> {
  yield `Count: ${numberIn(point['count'])}`
  for (const [field, name] of Object.entries({ sum: 'Sum', min: 'Min', max: 'Max' }))
    if (point[field] !== undefined) yield `${name}: ${fixed(point[field])}`
}

function* exemplarLines(exemplars: unknown): Iterable<string> {
  const list = objectsIn(exemplars)
  if (list.length > 0) yield 'Exemplars:'
  for (const [index, exemplar] of list.entries()) {
    yield `Exemplar #${index}`
    yield `     -> Trace ID: ${textIn(exemplar['traceId'])}`
    yield `     -> Span ID: ${textIn(exemplar['spanId'])}`
    yield `     -> Timestamp: ${timeOf(exemplar['timeUnixNano'])}`
    yield* numberLines(exemplar, '     -> ')
    yield* attributeLines('     -> FilteredAttributes', exemplar['filteredAttributes'], NESTED)
  }
}
