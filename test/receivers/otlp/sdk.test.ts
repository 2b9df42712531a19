import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DELIVERED } from '../../../src/component/delivery.ts'
import { Refused } from '../../../src/component/refused.ts'
import { decode } from '../../data/oracle.ts'
import { Running } from './running.ts'
import { freePort } from '../../free-ports.ts'
import { sdk } from './sdk.ts'
import type { Protocol } from './sdk.ts'
import { disposing } from '../../transport/disposing.ts'

async function start(protocol: Protocol, refusals = 0) {
  const port = await freePort()
  let left = refusals
  const key = protocol === 'grpc' ? 'grpc' : 'http'
  const running = await Running.start(`{ protocols: { ${key}: { endpoint: 'localhost:${port}' } } }`, {
    onDelivery: (delivery) =>
      delivery.end(left-- > 0 ? new Refused('full', { code: 'resource_exhausted', retry: { after: 100 } }) : DELIVERED),
  })
  return Object.assign(running, { url: `http://localhost:${port}` })
}

for (const protocol of ['grpc', 'proto', 'http'] as const) {
  describe(`The OpenTelemetry SDK over ${protocol}`, () => {
    for (const compression of ['none', 'gzip'])
      test(`its spans, points and records arrive once (${compression})`, async (t) => {
        const otlp = disposing(t, await start(protocol))
        const { tracing, logging, metering } = sdk(protocol, { url: otlp.url, compression })
        const [traces, logs, metrics] = [tracing(), logging(), metering()]
        for (let i = 0; i < 100; i++) {
          const span = traces.getTracer('test').startSpan(`span ${i}`)
          span.setAttribute('number', i)
          span.end()
          logs.getLogger('test').emit({ body: `record ${i}`, severityNumber: 9 })
        }
        metrics.getMeter('test').createCounter('things').add(3, { kind: 'a' })
        await Promise.all([traces.forceFlush(), logs.forceFlush(), metrics.forceFlush()])
        await Promise.all([traces.shutdown(), logs.shutdown(), metrics.shutdown()])
        const items = Object.groupBy(otlp.taken, ({ signal }) => signal)
        const count = (signal: string) => (items[signal] ?? []).reduce((sum, each) => sum + each.items, 0)
        assert.deepEqual([count('traces'), count('logs')], [100, 100])
        assert.ok(count('metrics') >= 1)
        const request = decode('traces', items['traces']![0]!.bytes) as {
          resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[]
        }
        assert.equal(request.resourceSpans[0]!.scopeSpans[0]!.spans[0]!.name, 'span 0')
        assert.equal(otlp.ingress.budget.used, 0)
      })
  })
}

// Its exporter for gRPC tries nothing again, whatever the status (otlp-grpc-exporter-base 0.301).
describe('The OpenTelemetry SDK, refused for a while', () => {
  test('sends again over HTTP', async (t) => {
    const otlp = disposing(t, await start('proto', 1))
    const { tracing } = sdk('proto', { url: otlp.url })
    const traces = tracing()
    traces.getTracer('test').startSpan('again').end()
    await traces.forceFlush()
    await traces.shutdown()
    assert.equal(otlp.taken.length, 2)
    assert.ok(otlp.taken[0]!.bytes.equals(otlp.taken[1]!.bytes))
  })
})
