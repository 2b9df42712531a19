import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { builtInCatalog } from '../../../src/builtin.ts'
import { check } from '../../../src/config/check.ts'
import { load } from '../../../src/config/load.ts'
import { draw } from '../../../src/graph/draw/draw.ts'
import { sizeText } from '../../../src/graph/draw/size-text.ts'
import { plan } from '../../../src/graph/plan.ts'
import type { Plan } from '../../../src/graph/plan.ts'
import { readFlowchart } from './flowchart.ts'

async function planOf(yaml: string): Promise<Plan> {
  const { configuration, faults } = await check(load({ configs: [`yaml:${yaml}`] }), builtInCatalog())
  assert.ok(configuration, faults.map(({ message }) => message).join('\n'))
  return plan(configuration)
}

const GATEWAY = `
extensions: { health_check: }
receivers: { otlp: { protocols: { grpc: } }, host_metrics: { scrapers: { cpu: } } }
processors: { batch: , 'resource/a"b#c': { attributes: [{ key: a, value: 1, action: insert }] } }
connectors: { forward: }
exporters:
  otlp_http: { endpoint: "http://localhost:1", sending_queue: { queue_size: 500, on_full: drop_oldest } }
  otlp_grpc/backup: { endpoint: "localhost:1" }
  debug:
service:
  extensions: [health_check]
  pipelines:
    traces/in: { receivers: [otlp], processors: [batch, 'resource/a"b#c'], exporters: [forward, debug] }
    traces/out: { receivers: [forward], processors: [batch], exporters: [otlp_http] }
    metrics: { receivers: [otlp, host_metrics], exporters: [otlp_http, otlp_grpc/backup] }
`

const GRAPHVIZ = 'dot'

describe('a drawing', () => {
  test('as text has a paragraph for each pipeline, upstream first, with queues, budgets and what connectors join', async () => {
    assert.equal(
      draw(await planOf(GATEWAY), 'text'),
      `pipeline metrics                                                           budget 128 MiB of metrics
  receivers   otlp          acknowledges accepted
              host_metrics  acknowledges accepted
  exporters   otlp_http         queue of 500 requests, 10 at a time, drops the oldest
              otlp_grpc/backup  queue of 64 MiB, 10 at a time

pipeline traces/in                                                          budget 256 MiB of traces
  receivers   otlp  acknowledges accepted
  processors  batch → resource/a"b#c
  exporters   forward  to traces/out
              debug    no queue

pipeline traces/out                                                         budget 256 MiB of traces
  receivers   forward  from traces/in
  processors  batch
  exporters   otlp_http  queue of 500 requests, 10 at a time, drops the oldest

extensions    health_check
`,
    )
  })

  test("as Mermaid is a flowchart by Mermaid's own parser, with every part, edge and label", async () => {
    const { labels, edges, subgraphs } = await readFlowchart(draw(await planOf(GATEWAY), 'mermaid'))
    assert.deepEqual(
      [...labels.values()],
      [
        'otlp<br/>acknowledges accepted',
        'host_metrics<br/>acknowledges accepted',
        'no processors',
        'batch',
        'resource/a"b#c',
        'batch',
        'forward<br/>connector, traces to traces',
        'otlp_http<br/>queue of 500 requests for each signal<br/>10 at a time<br/>drops the oldest',
        'otlp_grpc/backup<br/>queue of 64 MiB<br/>10 at a time',
        'debug<br/>no queue',
        'health_check',
      ],
    )
    assert.deepEqual(
      [...subgraphs.keys()],
      ['metrics', 'traces/in', 'traces/out']
        .map((id) => `${id}<br/>budget ${id === 'metrics' ? '128 MiB of metrics' : '256 MiB of traces'}`)
        .concat('extensions'),
    )
    const named = edges.map((edge) =>
      edge.replace(/\w+/g, (name) => (labels.get(name) ?? name).replace(/<br\/>.*/, '')),
    )
    assert.deepEqual(named.sort(), [
      'batch -> otlp_http',
      'batch -> resource/a"b#c',
      'forward -> batch',
      'host_metrics -> no processors',
      'no processors -> otlp_grpc/backup',
      'no processors -> otlp_http',
      'otlp -> batch',
      'otlp -> no processors',
      'resource/a"b#c -> debug',
      'resource/a"b#c -> forward',
    ])
  })

  const dot = spawnSync(GRAPHVIZ, ['-V'])
  test('as dot is taken by Graphviz', { skip: dot.error && 'Graphviz is not installed' }, async () => {
    const { status, stdout, stderr } = spawnSync(GRAPHVIZ, ['-Tplain'], {
      input: draw(await planOf(GATEWAY), 'dot'),
      encoding: 'utf8',
    })
    assert.deepEqual([status, stderr], [0, ''])
    assert.equal(stdout.split('\n').filter((line) => line.startsWith('node ')).length, 11)
    assert.equal(stdout.split('\n').filter((line) => line.startsWith('edge ')).length, 10)
    assert.match(stdout, /resource\/a\\"b#c/)
  })

  test('of any names can be read, says each of them, and fits into 100 columns where the names do', async () => {
    const name = fc.stringMatching(/^[a-z0-9._"'#;:%&()[\]{}!?*/@,\\-]{1,60}$/)
    // Two colons are the loader's: they part keys.
    const named = name.filter((each) => !each.includes('::'))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(named, { minLength: 1, maxLength: 6 }), async (names) => {
        const ids = names.map((each) => `batch/${each}`)
        const quoted = ids.map((id) => JSON.stringify(id))
        const planned = await planOf(`
receivers: { otlp: { protocols: { http: } } }
processors: { ${quoted.map((id) => `${id}: `).join(', ')} }
exporters: { debug: }
service: { pipelines: { logs: { receivers: [otlp], processors: [${quoted.join(', ')}], exporters: [debug] } } }`)
        const { labels } = await readFlowchart(draw(planned, 'mermaid'))
        assert.deepEqual([...labels.values()].slice(1, -1), ids)
        for (const line of draw(planned, 'text').split('\n')) assert.ok(line.length <= 100, line)
      }),
      { numRuns: 25 },
    )
  })

  test('of the same plan is always the same', async () => {
    for (const format of ['text', 'mermaid', 'dot'] as const)
      assert.equal(draw(await planOf(GATEWAY), format), draw(await planOf(GATEWAY), format))
  })

  test('writes sizes in the largest unit that they fill', () => {
    assert.deepEqual([0, 1023, 1024, 1536, 256 * 2 ** 20, 3 * 2 ** 40].map(sizeText), [
      '0 B',
      '1023 B',
      '1 KiB',
      '1.5 KiB',
      '256 MiB',
      '3 TiB',
    ])
  })
})
