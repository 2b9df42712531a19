/** Requests like those that services send, with as many items as wanted. */
import type { Batch } from '../../src/data/batch.ts'
import { metrics } from '../../src/data/builders/metrics.ts'
import {
  beginsResource,
  NOW,
  pointAttributes,
  randomFrom,
  records,
  resource,
  SCOPE,
  SMALL,
  spans,
} from '../measure/shop.ts'
import type { Random } from '../measure/shop.ts'
import type { Signal } from './item-numbers.ts'

/** The bytes of an export request, always the same ones for a variant. */
export function request(signal: Signal, items: number, variant: number): Buffer {
  const batch: Batch = { traces: spans, metrics: points, logs: records }[signal](randomFrom(variant + 1), items)
  const bytes = Buffer.concat(batch.segments())
  batch.release()
  return bytes
}

/** Gauges and sums in turn, each with a few points; every second name ends in an even digit. */
function points(random: Random, items: number): Batch<'metrics'> {
  const each = items < SMALL ? 2 : 16
  const builder = metrics(resource(0), SCOPE).at({ time: NOW + BigInt(random(1e9)), start: NOW })
  for (let index = 0; index < items; index++) {
    if (beginsResource(index, items)) builder.resource(resource(index), {}, SCOPE)
    const number = Math.floor(index / each)
    const name = `app.queue.${number}.depth`
    const metric =
      number % 4 < 2
        ? builder.gauge(name, '1')
        : builder.sum(name, '{request}', { monotonic: true, temporality: 'cumulative', int: true })
    metric.point(random(1e6), pointAttributes(random))
  }
  return builder.finish()
}
