import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TapSide } from '../../src/component/control.ts'
import { Metrics } from '../../src/graph/metrics.ts'
import { MAX_TAPS } from '../../src/graph/taps.ts'
import { TestBed } from '../../src/testing.ts'

const spans = (count: number) => ({
  resourceSpans: [
    { scopeSpans: [{ spans: Array.from({ length: count }, (_, index) => ({ name: index === 0 ? 'drop' : 'keep' })) }] },
  ],
})

const COMPONENTS = `
  receivers: { test_source: }
  processors:
    filter: { spans: { exclude: { match_type: strict, span_names: [drop] } } }
    resource: { attributes: [{ key: a, value: b, action: upsert }] }
    memory_limiter: { check_interval: 1s, limit_mib: 100000 }
  connectors: { forward: }
  exporters: { test_sink: , test_direct: }`

const CHAIN = `${COMPONENTS}
  service: { pipelines: { traces: {
    receivers: [test_source], processors: [memory_limiter, filter, resource], exporters: [test_sink, test_direct] } } }`

/** What a tap sees of three spans: `from > to: items`. */
async function seen(yaml: string, target: string, side?: TapSide, metrics = new Metrics()) {
  const bed = await TestBed.start(yaml, { metrics })
  const lines: string[] = []
  const tap = bed.graph.taps.tap(
    target,
    ({ pipeline, from, to, batch }) => lines.push(`${pipeline}: ${from} > ${to}: ${batch.items}`),
    side,
  )
  await bed.send('traces', spans(3))
  await bed.requests(2)
  await bed.stop()
  return { lines, edges: tap.edges, note: tap.note }
}

describe('a tap', () => {
  test('on a pipeline sees what goes into it, or once what comes out, however many exporters there are', async () => {
    assert.deepEqual((await seen(CHAIN, 'traces')).lines, ['traces: test_source > memory_limiter: 3'])
    assert.deepEqual((await seen(CHAIN, 'traces', 'out')).lines, ['traces: resource > test_direct: 2'])
  })

  test('on a component sees what goes into it, or what comes out; of a receiver what comes out', async () => {
    assert.deepEqual((await seen(CHAIN, 'memory_limiter')).lines, ['traces: test_source > memory_limiter: 3'])
    assert.deepEqual((await seen(CHAIN, 'memory_limiter', 'out')).lines, ['traces: memory_limiter > filter: 3'])
    assert.deepEqual((await seen(CHAIN, 'test_source')).lines, ['traces: test_source > memory_limiter: 3'])
    assert.deepEqual((await seen(CHAIN, 'test_direct')).lines, ['traces: resource > test_direct: 2'])
  })

  test('on one of several that run in one visit sees what goes into or comes out of them all, and says so', async () => {
    const into = await seen(CHAIN, 'resource')
    assert.deepEqual(into.lines, ['traces: memory_limiter > filter: 3'])
    assert.match(into.note ?? '', /"resource" runs in one visit with its neighbours \(filter, resource\): .* goes into/)
    assert.equal((await seen(CHAIN, 'filter')).note, undefined)
    const out = await seen(CHAIN, 'filter', 'out')
    assert.deepEqual(out.lines, ['traces: resource > test_direct: 2'])
    assert.match(out.note ?? '', /comes out of them all/)
  })

  test('sees what goes through a connector, and where there are no processors', async () => {
    const yaml = `${COMPONENTS}
  service: { pipelines: {
        traces/in: { receivers: [test_source], exporters: [forward, test_direct] },
        traces/out: { receivers: [forward], exporters: [test_sink] } } }`
    assert.deepEqual((await seen(yaml, 'forward')).lines, ['traces/in: test_source > forward: 3'])
    assert.deepEqual((await seen(yaml, 'forward', 'out')).lines, ['traces/out: forward > test_sink: 3'])
    assert.equal((await seen(yaml, 'traces/in')).lines.length, 1)
  })

  test('sees the same where nothing is measured', async () => {
    const { lines } = await seen(CHAIN, 'traces', 'in', new Metrics('none'))
    assert.deepEqual(lines, ['traces: test_source > memory_limiter: 3'])
  })

  test('sees nothing any more once it is closed, and costs the edge nothing', async () => {
    const bed = await TestBed.start(CHAIN)
    let count = 0
    const tap = bed.graph.taps.tap('traces', () => count++)
    tap.close()
    tap.close()
    await bed.send('traces', spans(3))
    await bed.requests(2)
    assert.equal(count, 0)
    await bed.stop()
  })

  test('that throws is closed and told of; the data goes on', async () => {
    const bed = await TestBed.start(CHAIN)
    let count = 0
    bed.graph.taps.tap('traces', () => {
      count++
      throw new Error('cannot look')
    })
    await bed.send('traces', spans(3))
    await bed.send('traces', spans(3))
    await bed.requests(4)
    assert.equal(count, 1)
    assert.deepEqual(
      bed.logs.filter(({ level }) => level === 'error').map(({ message }) => message),
      ['A tap failed and was closed'],
    )
    await bed.stop()
  })

  test('on what is not there is told what is, and on the wrong side which is the right one', async () => {
    const bed = await TestBed.start(CHAIN)
    const tap = (target: string, side?: TapSide) => () => bed.graph.taps.tap(target, () => {}, side)
    assert.throws(
      tap('test_surce'),
      /there is no pipeline or component "test_surce", did you mean "test_source"\?; there are filter, memory/,
    )
    assert.throws(tap('test_source', 'in'), /nothing goes into "test_source": look at side "out"/)
    assert.throws(tap('test_sink', 'out'), /nothing comes out of "test_sink": look at side "in"/)
    await bed.stop()
  })

  test('is one of a bounded number', async () => {
    const bed = await TestBed.start(CHAIN)
    const taps = Array.from({ length: MAX_TAPS }, () => bed.graph.taps.tap('traces', () => {}))
    assert.throws(() => bed.graph.taps.tap('traces', () => {}), /16 taps are open already/)
    taps[0]?.close()
    bed.graph.taps.tap('traces', () => {})
    await bed.stop()
  })

  test('goes on over a reload, at the edges that there are then', async () => {
    const bed = await TestBed.start(CHAIN)
    const lines: string[] = []
    bed.graph.taps.tap('traces', ({ from, to }) => lines.push(`${from} > ${to}`))
    await bed.send('traces', spans(2))
    await bed.reload(CHAIN.replace('[memory_limiter, filter, resource]', '[resource]'))
    await bed.send('traces', spans(2))
    await bed.requests(4)
    assert.deepEqual(lines, ['test_source > memory_limiter', 'test_source > resource'])
    const edges = bed.graph.edges.counts().map(({ edge: { from, to }, items }) => `${from} > ${to}: ${items}`)
    assert.deepEqual(edges.toSorted(), [
      'resource > test_direct: 3',
      'resource > test_sink: 3',
      'test_source > resource: 2',
    ])
    await bed.stop()
  })
})
