import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestBed } from '../../../src/testing/bed.ts'
import { logsRequest, spansRequest } from './inputs.ts'

const started = (signal: string, sampler: string, processors = 'sample') =>
  TestBed.start(`
    receivers: { test_source: }
    processors: { sample: ${sampler}, attributes: { actions: [{ key: a, value: b, action: insert }] } }
    exporters: { test_direct: }
    service: { pipelines: { ${signal}: { receivers: [test_source], processors: [${processors}], exporters: [test_direct] } } }`)

test('probabilistic_sampler counts what it kept and dropped by policy, once a batch', async () => {
  const bed = await started(
    'traces',
    '{ mode: equalizing, sampling_percentage: 50, fail_closed: false }',
    'sample, attributes',
  )
  await bed.send('traces', spansRequest(1000, 3))
  await bed.send('traces', spansRequest(1000, 4))
  await bed.stop()
  const total = (labels: Record<string, string>) =>
    bed.metrics.total('otelcol_processor_probabilistic_sampler_count_traces_sampled', labels)
  assert.equal(total({ sampled: 'true' }), bed.items())
  assert.equal(total({}), 2000)
  for (const policy of ['trace_id_w3c', 'sampling_randomness', 'sampling_priority', 'missing_randomness'])
    assert.ok(total({ policy }) > 0, policy)
})

test('probabilistic_sampler discards a batch of which it keeps nothing', async () => {
  const bed = await started('logs', '{ sampling_percentage: 0 }')
  await bed.send('logs', logsRequest(100, 1))
  await bed.stop()
  assert.equal(bed.items(), 0)
})

test('probabilistic_sampler says what is wrong with its options in the words of the Collector', async () => {
  const faults: Record<string, RegExp> = {
    '{ sampling_percentage: -1 }': /sampling rate is negative: -1\.000000%/,
    '{ sampling_percentage: 1e39 }': /sampling rate is invalid: \+Inf%/,
    '{ sampling_percentage: 1e-16 }': /sampling rate is too small: 1e-16%/,
    '{ sampling_precision: 0 }': /invalid sampling precision: 0/,
    '{ sampling_precision: 15 }': /sampling precision is too great, should be <= 14: 15/,
    '{ mode: random }': /mode/,
    '{ attribute_source: body }': /attribute_source/,
    '{ hash_seed: -1 }': /hash_seed/,
  }
  for (const [sampler, message] of Object.entries(faults)) await assert.rejects(started('traces', sampler), message)
  await assert.rejects(started('metrics', '{}'), /metrics/)
})
