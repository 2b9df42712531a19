import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import telegen from '../../../src/receivers/telegen/index.ts'
import { ownMetrics } from '../../../src/receivers/telegen/own-metrics.ts'
import { TestBed } from '../../../src/testing.ts'

interface Request {
  resourceMetrics: [
    {
      resource: { attributes: object[] }
      scopeMetrics: [{ scope: object; metrics: { name: string; sum?: { dataPoints: { asInt: string }[] } }[] }]
    },
  ]
}

describe('the receiver telegen', () => {
  test('brings what Telegen measures into a pipeline, its own work included', async () => {
    const bed = await TestBed.start(`
      receivers: { telegen: { collection_interval: 20ms, initial_delay: 0s } }
      exporters: { test_sink: }
      service: { pipelines: { metrics: { receivers: [telegen], exporters: [test_sink] } } }`)
    const requests = (await bed.requests(3)) as Request[]
    const [first] = requests
    const [{ resource, scopeMetrics }] = first!.resourceMetrics
    assert.deepEqual(resource.attributes, [{ key: 'service.name', value: { stringValue: 'test' } }])
    assert.deepEqual(scopeMetrics[0].scope, { name: 'telegen', version: 'test' })
    const sent = ({ resourceMetrics: [{ scopeMetrics }] }: Request) =>
      scopeMetrics[0].metrics.find(({ name }) => name === 'otelcol_exporter_sent_metric_points')?.sum?.dataPoints[0]
    assert.equal(sent(first!), undefined)
    assert.equal(sent(requests[2]!)?.asInt, String(bed.sent[0]!.items + bed.sent[1]!.items))
    await bed.stop()
  })

  test('is refused where nothing is measured', () => {
    assert.throws(
      () => ownMetrics({ level: 'none', collect: () => Promise.reject(new Error('not asked')) }),
      /service::telemetry::metrics::level is none/,
    )
    assert.deepEqual(
      [...telegen.check!({ collection_interval: 0, initial_delay: 0, timeout: 0 })].map(({ message }) => message),
      ['"collection_interval": requires positive value'],
    )
  })
})
