/** Requests like those that services send, in two sizes. */
import type { Batch } from '../../src/data/batch.ts'
import { metrics } from '../../src/data/builders/metrics.ts'
import type { OracleSignal } from '../../test/data/oracle.ts'
import {
  beginsResource,
  identifier,
  NOW,
  pointAttributes,
  randomFrom,
  records,
  resource,
  SCOPE,
  spans,
} from './shop.ts'
import type { Random } from './shop.ts'

export const VARIANTS = 8

/** `large`: what a batch of the Collector's size holds; `small`: what one SDK sends every few seconds. */
export type Size = 'large' | 'small'
interface Counts {
  readonly spans: number
  readonly points: number
  readonly histograms: number
  readonly records: number
}
const COUNTS: Readonly<Record<Size, Counts>> = {
  large: { spans: 512, points: 1000, histograms: 48, records: 1000 },
  small: { spans: 10, points: 9, histograms: 1, records: 10 },
}
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Several variants of a request, so that no run meets the same bytes over and over. */
export function payloads(signal: OracleSignal, size: Size = 'large'): Batch[] {
  return Array.from({ length: VARIANTS }, (_, variant) => payload(signal, randomFrom(variant + 1), COUNTS[size]))
}

function payload(signal: OracleSignal, random: Random, counts: Counts): Batch {
  if (signal === 'traces') return spans(random, counts.spans)
  return signal === 'logs' ? records(random, counts.records) : points(random, counts)
}

function points(random: Random, { points: total, histograms }: Counts): Batch {
  const builder = metrics(resource(0), SCOPE).at({ time: NOW + BigInt(random(1e9)), start: NOW })
  for (let index = 0; index < total; index++) {
    if (beginsResource(index, total)) builder.resource(resource(index), {}, SCOPE)
    const name = `app.queue.${Math.floor(index / 20)}.depth`
    const metric =
      index % 40 < 20
        ? builder.gauge(name, '1')
        : builder.sum(name, '{request}', { monotonic: true, temporality: 'cumulative', int: true })
    const exemplar = {
      value: random(100) + 0.5,
      time: NOW,
      traceId: identifier(random, 32),
      spanId: identifier(random, 16),
    }
    metric.point(random(1e6), pointAttributes(random), index % 10 === 0 ? { exemplars: [exemplar] } : {})
  }
  const histogram = builder.histogram('http.server.request.duration', 's', { temporality: 'cumulative' })
  for (let index = 0; index < histograms; index++) {
    const counts = Array.from({ length: BOUNDS.length + 1 }, () => random(1000))
    histogram.point({ bounds: BOUNDS, counts, sum: random(1e6) / 7, min: 0.001, max: 12 }, pointAttributes(random))
  }
  return builder.finish()
}
