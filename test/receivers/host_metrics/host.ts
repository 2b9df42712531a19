import { fileURLToPath } from 'node:url'
import { decode } from '../../../src/config/decode/decode.ts'
import type { Schema } from '../../../src/config/decode/schema.ts'
import { spot } from '../../../src/config/decode/spot.ts'
import { written } from '../../../src/config/node.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import type { Batch, Clock, Scraped } from '../../../src/plugin.ts'
import { systemClock } from '../../../src/plugin.ts'
import { scrapeHost } from '../../../src/receivers/host_metrics/host-metrics.ts'
import type { HostMetricsConfig } from '../../../src/receivers/host_metrics/options.ts'
import { hostMetricsOptions } from '../../../src/receivers/host_metrics/options.ts'

/** A data point with its metric, as the tests look at it. */
export interface SeenPoint {
  readonly metric: string
  readonly unit: string
  readonly kind: 'gauge' | 'counter' | 'up_down_counter'
  readonly value: number | bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly start: bigint | undefined
  readonly time: bigint
}

/** A configuration as a component sees it, of what is written. */
export function configuration(scrapers: object, rest: object = {}): HostMetricsConfig {
  const at = spot('receivers::host_metrics')
  const place = { source: 'test', line: 1, column: 1 }
  const config = decode(
    hostMetricsOptions as unknown as Schema,
    written({ initial_delay: '0s', ...rest, scrapers }, place),
    at,
  )
  if (at.faults.length > 0) throw new Error(at.faults.map(({ message }) => message).join('; '))
  return config as HostMetricsConfig
}

/** A receiver's scrape: call it as often as wanted. */
export function host(scrapers: object, rest: object = {}, clock: Clock = systemClock) {
  const scrape = scrapeHost(configuration(scrapers, rest), clock)
  return async (abort = AbortSignal.timeout(20_000)) => seen(await scrape(abort))
}

export const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/proc/${name}`, import.meta.url))

/** The points of one metric as `attribute values -> value`, for short comparisons. */
export function values(points: readonly SeenPoint[], metric: string): Record<string, number | bigint> {
  const ofMetric = points.filter((point) => point.metric === metric)
  return Object.fromEntries(ofMetric.map((point) => [Object.values(point.attributes).join(' '), point.value]))
}

function seen(scraped: Scraped) {
  const errors = (scraped.errors ?? []).map((error) => error.message)
  return {
    points: scraped.batches.flatMap(pointsOf),
    errors,
    items: scraped.batches.reduce((sum, batch) => sum + batch.items, 0),
  }
}

/** A request in the shape of OTLP/JSON, as far as the tests look at it. */
export interface MetricsRequest {
  readonly resourceMetrics: readonly { readonly scopeMetrics: readonly ScopeMetrics[] }[]
}

interface ScopeMetrics {
  readonly schemaUrl?: string
  readonly metrics: readonly Metric[]
}

interface Metric {
  readonly name: string
  readonly unit: string
  readonly gauge?: { readonly dataPoints: readonly Point[] }
  readonly sum?: { readonly dataPoints: readonly Point[]; readonly isMonotonic?: boolean }
}

interface Point {
  readonly asInt?: string
  readonly asDouble?: number
  readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
  readonly startTimeUnixNano?: string
  readonly timeUnixNano: string
}

export const metricsOf = (request: MetricsRequest): readonly Metric[] =>
  request.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))

export function pointsOf(batch: Batch): SeenPoint[] {
  const request = toObject(batch) as unknown as MetricsRequest
  batch.release()
  return metricsOf(request).flatMap(pointsOfMetric)
}

function pointsOfMetric({ name, unit, sum, gauge }: Metric): SeenPoint[] {
  const kind = gauge ? 'gauge' : sum?.isMonotonic ? 'counter' : 'up_down_counter'
  return ((sum ?? gauge)?.dataPoints ?? []).map((point) => ({
    metric: name,
    unit,
    kind,
    value: point.asInt === undefined ? Number(point.asDouble) : integer(point.asInt),
    attributes: Object.fromEntries((point.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]])),
    start: point.startTimeUnixNano === undefined ? undefined : BigInt(point.startTimeUnixNano),
    time: BigInt(point.timeUnixNano),
  }))
}

const integer = (text: string): number | bigint => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text))
