import type { Labels } from '../component/meter.ts'

/** Label sets that one instrument keeps apart; more are added up under `otel.metric.overflow`. */
const MAX_SERIES = 2_000
const OVERFLOW: Labels = { 'otel.metric.overflow': 'true' }

/** What one instrument has measured under one set of labels. */
export interface Series {
  readonly labels: Labels
  value: number
  count: number
  readonly buckets: number[]
}

export const newSeries = (labels: Labels, buckets: number): Series => ({
  labels,
  value: 0,
  count: 0,
  buckets: Array.from({ length: buckets }, () => 0),
})

/** The series of these labels, in whatever order they are written; a new one where there is none and room for it. */
export function findSeries(all: Map<string, Series>, labels: Labels, make: (labels: Labels) => Series): Series {
  const key = seriesKey(labels)
  const known = all.get(key)
  if (known) return known
  if (all.size >= MAX_SERIES && labels !== OVERFLOW) return findSeries(all, OVERFLOW, make)
  const made = make(labels)
  all.set(key, made)
  return made
}

/** The same for the same labels, in whatever order they are written. */
export const seriesKey = (labels: Labels): string =>
  JSON.stringify(Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1)))
