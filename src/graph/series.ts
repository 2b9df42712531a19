import type { BoundCounter, Labels } from '../component/meter.ts'

/** Label sets that one instrument keeps apart; more are added up under `otel.metric.overflow`. */
const MAX_SERIES = 2_000
const OVERFLOW: Labels = { 'otel.metric.overflow': 'true' }

/** What one instrument has measured under one set of labels. A counter's is in the hands of who counts, and so nothing stands between them. */
export class Series implements BoundCounter {
  readonly labels: Labels
  value = 0
  /** How often something was measured: what never happened is not shown. */
  count = 0
  readonly buckets: number[]

  constructor(labels: Labels, buckets: number) {
    this.labels = labels
    this.buckets = Array.from({ length: buckets }, () => 0)
  }

  add(value: number): void {
    this.value += value
    this.count++
  }
}

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
