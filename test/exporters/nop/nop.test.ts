import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestBed } from '../../../src/testing/bed.ts'
import { logsRequest } from '../../graph/requests.ts'

test('nop takes everything, which counts as sent, and gives its memory back', async () => {
  const bed = await TestBed.start(`
    receivers: { test_source: }
    exporters: { nop: }
    service: { pipelines: { logs: { receivers: [test_source], exporters: [nop] } } }`)
  await bed.send('logs', logsRequest('one', 'two'))
  await bed.send('logs', logsRequest('three'))
  await bed.stop()
  assert.equal(bed.metrics.total('otelcol_exporter_sent_log_records', { exporter: 'nop' }), 3)
})
