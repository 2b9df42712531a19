import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestBed } from '../../../src/testing/bed.ts'

test('nop makes a pipeline of every signal run, takes nothing in, and is well', async () => {
  const bed = await TestBed.start(`
    receivers: { nop: }
    exporters: { test_sink: }
    service:
      pipelines:
        traces: { receivers: [nop], exporters: [test_sink] }
        metrics: { receivers: [nop], exporters: [test_sink] }
        logs: { receivers: [nop], exporters: [test_sink] }
        profiles: { receivers: [nop], exporters: [test_sink] }`)
  const { state } = bed.status('nop')
  await bed.stop()
  assert.equal(state, 'ok')
  assert.deepEqual(bed.sent, [])
})
