import type { BudgetReading, EdgeReading } from '../../component/control.ts'
import { SIGNALS } from '../../data/signal.ts'
import type { Measured, MeasuredPoint } from '../../graph/metrics.ts'
import { seriesKey } from '../../graph/series.ts'

/** What several processes have measured, as if one had: counts and amounts are added up, of what cannot be added the largest counts. */
export function mergedMeasurements(all: readonly (readonly Measured[])[]): Measured[] {
  if (all.length === 1) return [...(all[0] as readonly Measured[])]
  const byName = new Map<string, { readonly about: Measured; readonly points: Map<string, MeasuredPoint> }>()
  for (const measured of all)
    for (const each of measured) {
      const known = byName.get(each.name) ?? { about: each, points: new Map() }
      byName.set(each.name, known)
      const add = each.kind === 'gauge' && each.options.across === 'max' ? larger : sum
      for (const point of each.points) {
        const key = seriesKey(point.labels)
        const before = known.points.get(key)
        known.points.set(key, before === undefined ? point : add(before, point))
      }
    }
  return [...byName.values()].map(({ about, points }) => ({ ...about, points: [...points.values()] }))
}

/** What of a process's measurements outlives it: counts go on in those of the others, or they would fall. */
export const lasting = (measured: readonly Measured[]): Measured[] =>
  measured.filter(({ kind }) => kind === 'counter' || kind === 'histogram')

const larger = (one: MeasuredPoint, other: MeasuredPoint): MeasuredPoint => (other.value > one.value ? other : one)

function sum(one: MeasuredPoint, other: MeasuredPoint): MeasuredPoint {
  const { labels, value, count, buckets } = one
  return {
    labels,
    value: value + other.value,
    ...(count !== undefined && { count: count + (other.count ?? 0) }),
    ...(buckets && { buckets: buckets.map((bucket, index) => bucket + (other.buckets?.[index] ?? 0)) }),
  }
}

export function mergedEdges(all: readonly (readonly EdgeReading[])[]): EdgeReading[] {
  const byWay = new Map<string, EdgeReading>()
  for (const edge of all.flat()) {
    const key = JSON.stringify([edge.pipeline, edge.from, edge.to])
    const known = byWay.get(key)
    const counted = known && { ...known, items: known.items + edge.items, bytes: known.bytes + edge.bytes }
    byWay.set(key, counted ?? edge)
  }
  return [...byWay.values()]
}

export const mergedBudgets = (all: readonly (readonly BudgetReading[])[]): BudgetReading[] =>
  SIGNALS.map((signal) => {
    const readings = all.flat().filter((each) => each.signal === signal)
    const total = (of: 'used' | 'limit') => readings.reduce((sum, each) => sum + each[of], 0)
    return { signal, used: total('used'), limit: total('limit') }
  })
