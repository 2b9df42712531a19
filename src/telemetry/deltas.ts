import type { Measured, MeasuredPoint } from '../graph/metrics.ts'
import { seriesKey } from '../graph/series.ts'

/** What `after` has on top of `before`: counts since then. Gauges, and sums that may fall, stay as they are. */
export function since(before: readonly Measured[], after: readonly Measured[]): Measured[] {
  const known = new Map(before.map((each) => [each.name, pointsOf(each)]))
  return after.map((each) => {
    const points = known.get(each.name)
    if (!points || !counts(each)) return each
    return { ...each, points: each.points.map((point) => minus(point, points.get(seriesKey(point.labels)))) }
  })
}

/** Whether it counts from a start. */
export const counts = ({ kind }: Measured): boolean => kind === 'counter' || kind === 'histogram'

const pointsOf = ({ points }: Measured) => new Map(points.map((point) => [seriesKey(point.labels), point]))

function minus(point: MeasuredPoint, before: MeasuredPoint | undefined): MeasuredPoint {
  if (before === undefined) return point
  const { labels, value, count, buckets } = point
  return {
    labels,
    value: value - before.value,
    ...(count !== undefined && { count: count - (before.count ?? 0) }),
    ...(buckets && { buckets: buckets.map((bucket, index) => bucket - (before.buckets?.[index] ?? 0)) }),
  }
}
