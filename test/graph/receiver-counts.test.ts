import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../src/component/refused.ts'
import { TestBed } from '../../src/testing.ts'

const CONFIG = `
  receivers: { test_source: }
  exporters: { test_direct: }
  service: { pipelines: { logs: { receivers: [test_source], exporters: [test_direct] } } }`
const TWO = { resourceLogs: [{ scopeLogs: [{ logRecords: [{}, {}] }] }] }

const counts = ({ metrics }: TestBed, transport: string) =>
  ['accepted', 'refused', 'failed'].map((what) =>
    metrics.total(`otelcol_receiver_${what}_log_records`, { receiver: 'test_source', transport }),
  )

describe('what a receiver counts', () => {
  test('is accepted when the sender is told so, by transport, with zeros for the rest', async () => {
    const bed = await TestBed.start(CONFIG)
    const origin = { metadata: new Map(), transport: 'grpc' }
    await bed.send('logs', TWO, { origin })
    assert.deepEqual(counts(bed, 'grpc'), [2, 0, 0])
    assert.deepEqual(bed.metrics.collect().find(({ name }) => name === 'otelcol_receiver_failed_log_records')?.points, [
      { labels: { receiver: 'test_source', transport: 'grpc' }, value: 0 },
    ])
    await bed.stop()
  })

  test('is refused, and not accepted too, when something downstream hands it back', async () => {
    const onSend = () => {
      throw new Refused('no', { code: 'unavailable', retry: {} })
    }
    const bed = await TestBed.start(CONFIG, { onSend })
    await assert.rejects(bed.send('logs', TWO))
    assert.deepEqual(counts(bed, ''), [0, 2, 0])
    assert.equal(bed.metrics.total('otelcol_exporter_send_failed_log_records', { 'error.type': 'Unavailable' }), 2)
    await bed.stop()
  })

  test('is accepted once, whether what a queue has taken arrives or is lost later', async () => {
    const queued = CONFIG.replaceAll('test_direct', 'test_sink').replace(
      'test_sink:',
      'test_sink: { retry_on_failure: { enabled: false } }',
    )
    const bed = await TestBed.start(queued)
    await bed.send('logs', TWO)
    await bed.requests(1)
    assert.deepEqual(counts(bed, ''), [2, 0, 0])
    bed.onSend = () => {
      throw new Refused('no', { code: 'unavailable', retry: {} })
    }
    await bed.send('logs', TWO)
    await bed.until(() => bed.metrics.total('telegen.dropped.items') === 2, 'the loss')
    assert.deepEqual(counts(bed, ''), [4, 0, 0])
    await bed.stop()
  })

  test('is failed when the receiver itself cannot bring it on its way', async () => {
    const bed = await TestBed.start(CONFIG)
    const { ingress } = bed.source()
    const delivery = ingress.admit(
      'logs',
      (await import('../../src/data/codec/from-object.ts')).fromObject('logs', TWO),
    )
    delivery.end(new Refused('lost its way', { code: 'internal', retry: 'never' }))
    assert.deepEqual(counts(bed, ''), [0, 0, 2])
    await bed.stop()
  })
})
