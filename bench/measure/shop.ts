/** What the services of a shop tell, made by Telegen's builders: sizes and shapes as in the measurements behind the design. Always the same for a seed. */
import type { Batch } from '../../src/data/batch.ts'
import { logs } from '../../src/data/builders/logs.ts'
import { traces } from '../../src/data/builders/traces.ts'

export const NOW = 1_760_000_000_000_000_000n
export const SCOPE = { name: 'io.opentelemetry.contrib.http', version: '2.14.0' }
/** Requests of fewer items are of one service, others of three. */
export const SMALL = 100
const RESOURCES = 3
const METHODS = ['GET', 'POST', 'GET', 'DELETE', 'GET', 'PUT']
const ROUTES = ['/api/v1/orders/{id}', '/healthz', '/api/v1/carts/{cart}/items', '/login']
const BODY =
  'Request to the inventory service finished after 3 attempts; the connection was closed by the remote host and opened ' +
  'anew from the pool (idle 12, busy 4), the last error was ETIMEDOUT, see trace for details of order '

export type Random = (below: number) => number

export function spans(random: Random, items: number): Batch<'traces'> {
  const builder = traces(resource(0), SCOPE)
  for (let index = 0; index < items; index++) {
    if (beginsResource(index, items)) builder.resource(resource(index), {}, SCOPE)
    const start = NOW + BigInt(random(1e9))
    builder.span({
      traceId: identifier(random, 32),
      spanId: identifier(random, 16),
      parentSpanId: identifier(random, 16),
      name: `${pick(METHODS, index)} ${pick(ROUTES, index)}`,
      kind: 1 + random(5),
      start,
      end: start + BigInt(random(1e8)),
      attributes: {
        'http.request.method': pick(METHODS, random(METHODS.length)),
        'http.route': pick(ROUTES, random(ROUTES.length)),
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

export function records(random: Random, items: number): Batch<'logs'> {
  const builder = logs(resource(0), SCOPE)
  for (let index = 0; index < items; index++) {
    if (beginsResource(index, items)) builder.resource(resource(index), {}, SCOPE)
    const time = NOW + BigInt(random(1e9))
    builder.record({
      time,
      observedTime: time + 1000n,
      severity: 1 + random(24),
      severityText: 'INFO',
      body: BODY + random(1e6),
      attributes: {
        'http.request.method': pick(METHODS, random(METHODS.length)),
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

/** Of a data point. */
export function pointAttributes(random: Random): Record<string, string | number> {
  return {
    'http.request.method': pick(METHODS, random(METHODS.length)),
    'http.route': pick(ROUTES, random(ROUTES.length)),
    'http.response.status_code': random(5) === 0 ? 500 : 200,
    'server.address': 'shop.example.com',
    'network.protocol.name': 'http',
    'app.shard': `shard-${random(64)}`,
  }
}

/** Whether another service tells of the item of that number. */
export const beginsResource = (index: number, items: number): boolean =>
  index > 0 && items >= SMALL && index % Math.ceil(items / RESOURCES) === 0

export function resource(index: number): Record<string, string> {
  return {
    'service.name': `shop-${index}`,
    'service.version': '1.42.7',
    'host.name': 'node-17.example.com',
    'k8s.pod.name': `shop-7f9c6d-${index}`,
    'cloud.region': 'eu-central-1',
  }
}

export function identifier(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random(16).toString(16)).join('')
}

export function randomFrom(seed: number): Random {
  let state = Math.imul(seed, 2_654_435_761)
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}

const pick = (of: readonly string[], index: number): string => of[index % of.length] as string
