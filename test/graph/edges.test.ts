import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TestBed } from '../../src/testing.ts'

const spans = (count: number) => ({
  resourceSpans: [
    { scopeSpans: [{ spans: Array.from({ length: count }, (_, index) => ({ name: index === 0 ? 'drop' : 'keep' })) }] },
  ],
})

/** `from > to` with its items, of the edges of one pipeline. */
const edges = ({ metrics }: TestBed, pipeline: string) =>
  metrics
    .measurements()
    .filter(({ name, labels }) => name === 'telegen.edge.items' && labels['otelcol.pipeline.id'] === pipeline)
    .map(({ labels: { from, to }, value }) => `${from} > ${to}: ${value}`)
    .sort()

describe('what passes between components', () => {
  test('is counted on every edge, where a batch can be seen: neighbouring steps are one visit', async () => {
    const bed = await TestBed.start(`
      receivers: { test_source: }
      processors:
        filter: { spans: { exclude: { match_type: strict, span_names: [drop] } } }
        resource: { attributes: [{ key: a, value: b, action: upsert }] }
        memory_limiter: { check_interval: 1s, limit_mib: 100000 }
      exporters: { test_sink: , test_direct: }
      service: { pipelines: { traces: {
        receivers: [test_source], processors: [memory_limiter, filter, resource], exporters: [test_sink, test_direct] } } }`)
    await bed.send('traces', spans(3))
    await bed.requests(2)
    assert.deepEqual(edges(bed, 'traces'), [
      'memory_limiter > filter: 3',
      'resource > test_direct: 2',
      'resource > test_sink: 2',
      'test_source > memory_limiter: 3',
    ])
    const bytes = (to: string) => bed.metrics.total('telegen.edge.bytes', { from: 'resource', to })
    assert.equal(bytes('test_sink'), bed.sent[0]?.bytes.length)
    assert.equal(bytes('test_direct'), bed.sent[0]?.bytes.length)
    await bed.stop()
  })

  test('goes from a receiver to each exporter where there is no processor, and through connectors', async () => {
    const bed = await TestBed.start(`
      receivers: { test_source: }
      connectors: { forward: }
      exporters: { test_sink: , test_direct: }
      service: { pipelines: {
        traces/in: { receivers: [test_source], exporters: [forward, test_direct] },
        traces/out: { receivers: [forward], exporters: [test_sink] } } }`)
    await bed.send('traces', spans(2))
    await bed.requests(2)
    assert.deepEqual(edges(bed, 'traces/in'), ['test_source > forward: 2', 'test_source > test_direct: 2'])
    assert.deepEqual(edges(bed, 'traces/out'), ['forward > test_sink: 2'])
    await bed.stop()
  })
})
