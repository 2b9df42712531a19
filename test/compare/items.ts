import type { Json, JsonObject } from './json.ts'
import type { Signal } from './oracle.ts'

const WAYS: Readonly<Record<Signal, readonly string[]>> = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  profiles: ['resourceProfiles', 'scopeProfiles', 'profiles', 'samples'],
}

/** How many spans, data points, log records or samples a request has. */
export function itemsOf(signal: Signal, request: JsonObject): number {
  let level: JsonObject[] = [request]
  for (const list of WAYS[signal]) level = level.flatMap((object) => (object[list] ?? []) as JsonObject[])
  return signal === 'metrics' ? level.flatMap(pointsOf).length : level.length
}

/** The metrics of a request. */
export const metricsOf = (request: JsonObject): JsonObject[] =>
  WAYS.metrics.reduce(
    (level: JsonObject[], list) => level.flatMap((object) => (object[list] ?? []) as JsonObject[]),
    [request],
  )

const pointsOf = (metric: JsonObject): Json[] =>
  Object.values(metric).flatMap((value) => (value as JsonObject | null)?.['dataPoints'] ?? [])
