import type { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import type { Measured, MeasuredPoint } from '../graph/metrics.ts'
import { batchOf } from '../data/batch.ts'
import type { Batch } from '../data/batch.ts'
import { count } from '../data/kernels/count.ts'

/** The shape of OpenTelemetry's own SDK, which its serializer reads. */
type ResourceMetrics = Parameters<typeof ProtobufMetricsSerializer.serializeRequest>[0]
type MetricData = ResourceMetrics['scopeMetrics'][number]['metrics'][number]
type Time = [seconds: number, nanoseconds: number]

/** The SDK's enums, which its packages declare and the serializer compares with. A test holds them to the originals. */
export const POINT_TYPES = { histogram: 0, gauge: 2, sum: 3 } as const
export const TEMPORALITIES = { delta: 0, cumulative: 1 } as const
export const VALUE_TYPES = { int: 0, double: 1 } as const

export interface Told {
  readonly measured: readonly Measured[]
  readonly resource: Readonly<Record<string, string>>
  readonly version: string
  /** When it was read, in milliseconds since the Unix epoch. */
  readonly time: number
  /** Since when an instrument's points count, as `time`: since the start of the program, or since the last time (`delta`). */
  readonly counted: (measured: Measured) => { readonly since: number; readonly temporality: 'delta' | 'cumulative' }
}

/** Measurements as a batch of metrics, written by OpenTelemetry's own serializer. It is loaded when the first batch is wanted. */
export async function encode(told: Told): Promise<Batch<'metrics'>> {
  const { ProtobufMetricsSerializer } = await import('@opentelemetry/otlp-transformer')
  const bytes = ProtobufMetricsSerializer.serializeRequest(resourceMetrics(told))
  if (bytes === undefined) throw new Error('the metrics of Telegen itself could not be serialised')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return batchOf('metrics', count('metrics', buffer), buffer)
}

export function resourceMetrics({ measured, resource, version, time, counted }: Told): ResourceMetrics {
  return {
    resource: { attributes: resource } as unknown as ResourceMetrics['resource'],
    scopeMetrics: [
      {
        scope: { name: 'telegen', version },
        metrics: measured.map((each) => metricData(each, time, counted(each))),
      },
    ],
  }
}

function metricData(
  { name, kind, options, points }: Measured,
  time: number,
  { since, temporality }: ReturnType<Told['counted']>,
): MetricData {
  const { unit, description, value = 'int', boundaries = [] } = options
  const point = ({ labels, ...point }: MeasuredPoint) => ({
    startTime: hrTime(since),
    endTime: hrTime(time),
    attributes: labels,
    value: kind === 'histogram' ? histogram(point, boundaries) : point.value,
  })
  return {
    descriptor: { name, description, unit, valueType: VALUE_TYPES[value] },
    aggregationTemporality: TEMPORALITIES[temporality],
    dataPointType: POINT_TYPES[kind === 'histogram' ? 'histogram' : kind === 'gauge' ? 'gauge' : 'sum'],
    isMonotonic: kind === 'counter',
    dataPoints: points.map(point),
  } as unknown as MetricData
}

const histogram = (
  { value, count: recorded = 0, buckets = [] }: Omit<MeasuredPoint, 'labels'>,
  boundaries: readonly number[],
) => ({ sum: value, count: recorded, buckets: { boundaries, counts: buckets } })

const hrTime = (milliseconds: number): Time => [Math.floor(milliseconds / 1_000), (milliseconds % 1_000) * 1_000_000]
