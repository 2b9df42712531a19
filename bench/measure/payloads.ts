/** Requests like those that real services send: sizes and shapes as in the measurements behind the design. */
import type { Batch } from '../../src/data/batch.ts'
import { logs } from '../../src/data/builders/logs.ts'
import { metrics } from '../../src/data/builders/metrics.ts'
import { traces } from '../../src/data/builders/traces.ts'
import type { OracleSignal } from '../../test/data/oracle.ts'

export const VARIANTS = 8

/** `large`: what a batch of the Collector's size holds; `small`: what one SDK sends every few seconds. */
export type Size = 'large' | 'small'
interface Counts {
  readonly resources: number
  readonly spans: number
  readonly points: number
  readonly histograms: number
  readonly records: number
}
const COUNTS: Readonly<Record<Size, Counts>> = {
  large: { resources: 3, spans: 512, points: 1000, histograms: 48, records: 1000 },
  small: { resources: 1, spans: 10, points: 9, histograms: 1, records: 10 },
}
const NOW = 1_760_000_000_000_000_000n
const METHODS = ['GET', 'POST', 'GET', 'DELETE', 'GET', 'PUT']
const ROUTES = ['/api/v1/orders/{id}', '/healthz', '/api/v1/carts/{cart}/items', '/login']
const BODY =
  'Request to the inventory service finished after 3 attempts; the connection was closed by the remote host and opened ' +
  'anew from the pool (idle 12, busy 4), the last error was ETIMEDOUT, see trace for details of order '

/** Several variants of a request, so that no run meets the same bytes over and over. */
export function payloads(signal: OracleSignal, size: Size = 'large'): Batch[] {
  const build = { traces: spans, metrics: points, logs: records }[signal]
  return Array.from({ length: VARIANTS }, (_, variant) => build(randomFrom(variant + 1), COUNTS[size]))
}

type Random = (below: number) => number

function spans(random: Random, counts: Counts): Batch {
  const { spans: total, resources } = counts
  const builder = traces(resource(0), scope)
  for (let index = 0; index < total; index++) {
    if (index > 0 && index % Math.ceil(total / resources) === 0) builder.resource(resource(index), {}, scope)
    const start = NOW + BigInt(random(1e9))
    builder.span({
      traceId: identifier(random, 32),
      spanId: identifier(random, 16),
      parentSpanId: identifier(random, 16),
      name: `${METHODS[index % METHODS.length]} ${ROUTES[index % ROUTES.length]}`,
      kind: 1 + random(5),
      start,
      end: start + BigInt(random(1e8)),
      attributes: {
        'http.request.method': METHODS[random(METHODS.length)],
        'http.route': ROUTES[random(ROUTES.length)],
        'http.response.status_code': random(5) === 0 ? 500 : 200,
        'url.full': `https://shop.example.com/api/v1/orders/${random(1e6)}?expand=items`,
        'server.address': 'shop.example.com',
        'server.port': 443,
        'client.address': `10.0.${random(256)}.${random(256)}`,
        'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101',
        'network.protocol.version': '1.1',
        'enduser.id': `user-${random(1e5)}`,
        'app.cart.total': random(1e5) / 100 + 0.001,
        'app.cache.hit': random(2) === 0,
      },
      ...(index % 8 === 0 && {
        events: [{ time: start, name: 'exception', attributes: { 'exception.type': 'IOError' } }],
      }),
      status: { code: random(3) },
      flags: 1,
    })
  }
  return builder.finish()
}

function points(random: Random, counts: Counts): Batch {
  const { points: total, histograms, resources } = counts
  const builder = metrics(resource(0), scope).at({ time: NOW + BigInt(random(1e9)), start: NOW })
  for (let index = 0; index < total; index++) {
    if (index > 0 && index % Math.ceil(total / resources) === 0) builder.resource(resource(index), {}, scope)
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
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
  for (let index = 0; index < histograms; index++) {
    const buckets = Array.from({ length: bounds.length + 1 }, () => random(1000))
    histogram.point({ bounds, counts: buckets, sum: random(1e6) / 7, min: 0.001, max: 12 }, pointAttributes(random))
  }
  return builder.finish()
}

function pointAttributes(random: Random): Record<string, string | number> {
  return {
    'http.request.method': METHODS[random(METHODS.length)]!,
    'http.route': ROUTES[random(ROUTES.length)]!,
    'http.response.status_code': random(5) === 0 ? 500 : 200,
    'server.address': 'shop.example.com',
    'network.protocol.name': 'http',
    'app.shard': `shard-${random(64)}`,
  }
}

function records(random: Random, counts: Counts): Batch {
  const { records: total, resources } = counts
  const builder = logs(resource(0), scope)
  for (let index = 0; index < total; index++) {
    if (index > 0 && index % Math.ceil(total / resources) === 0) builder.resource(resource(index), {}, scope)
    const time = NOW + BigInt(random(1e9))
    builder.record({
      time,
      observedTime: time + 1000n,
      severity: 1 + random(24),
      severityText: 'INFO',
      body: BODY + random(1e6),
      attributes: {
        'http.request.method': METHODS[random(METHODS.length)],
        'log.file.name': 'server.log',
        'thread.id': random(200),
        'thread.name': `worker-${random(200)}`,
        'code.function.name': 'com.example.shop.Inventory.reserve',
        'code.line.number': random(2000),
        'app.order': `order-${random(1e6)}`,
        'app.retry': random(2) === 0,
      },
      traceId: identifier(random, 32),
      spanId: identifier(random, 16),
      flags: 1,
    })
  }
  return builder.finish()
}

const scope = { name: 'io.opentelemetry.contrib.http', version: '2.14.0' }

function resource(index: number): Record<string, string> {
  return {
    'service.name': `shop-${index}`,
    'service.version': '1.42.7',
    'host.name': 'node-17.example.com',
    'k8s.pod.name': `shop-7f9c6d-${index}`,
    'cloud.region': 'eu-central-1',
  }
}

function identifier(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random(16).toString(16)).join('')
}

function randomFrom(seed: number): Random {
  let state = Math.imul(seed, 2_654_435_761)
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}
