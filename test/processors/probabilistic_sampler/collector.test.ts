import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { TestBed } from '../../../src/testing/bed.ts'
import { findCollector, throughCollector } from '../../e2e/collector.ts'
import { logsRequest, spansRequest } from './inputs.ts'

/** Each is a sampler of its own, between the same input and an output of its own, in both programs. */
const SPANS: readonly string[] = [
  '{}',
  '{ fail_closed: false }',
  '{ sampling_percentage: 0.005 }',
  '{ sampling_percentage: 13.7 }',
  '{ sampling_percentage: 33.333, hash_seed: 22 }',
  '{ sampling_percentage: 50, hash_seed: 4294967295, fail_closed: false }',
  '{ sampling_percentage: 100 }',
  '{ sampling_percentage: 250, fail_closed: false }',
  '{ mode: equalizing, sampling_percentage: 50 }',
  '{ mode: equalizing, sampling_percentage: 33.3, sampling_precision: 3 }',
  '{ mode: equalizing, sampling_percentage: 99.9, fail_closed: false }',
  '{ mode: equalizing, sampling_percentage: 0.001, sampling_precision: 1, fail_closed: false }',
  '{ mode: proportional, sampling_percentage: 50 }',
  '{ mode: proportional, sampling_percentage: 7.77, sampling_precision: 14, fail_closed: false }',
  '{ mode: proportional, sampling_percentage: 75, fail_closed: false }',
  '{ mode: proportional, sampling_percentage: 100, sampling_precision: 1 }',
]

const LOGS: readonly string[] = [
  ...SPANS,
  '{ sampling_percentage: 40, from_attribute: session, fail_closed: false }',
  '{ sampling_percentage: 40, attribute_source: record, from_attribute: session }',
  '{ sampling_percentage: 40, attribute_source: record, hash_seed: 7, from_attribute: session, sampling_priority: priority }',
  '{ sampling_percentage: 20, sampling_priority: priority }',
  '{ mode: equalizing, sampling_percentage: 20, sampling_priority: priority, fail_closed: false }',
  '{ mode: proportional, sampling_percentage: 20, sampling_priority: priority, sampling_precision: 2 }',
  '{ sampling_priority: priority }',
]

const ITEMS = 1_500
const spans = spansRequest(ITEMS, 1)
const logs = logsRequest(ITEMS, 2)

/** `exporter`: what stands at the end of the pipeline with this name. */
function configuration(receiver: string, exporter: (name: string) => string): string {
  const pipelines: string[] = []
  const processors: string[] = []
  const exporters: string[] = []
  for (const [signal, samplers] of Object.entries({ traces: SPANS, logs: LOGS }))
    for (const [index, sampler] of samplers.entries()) {
      const name = `${signal}${index}`
      processors.push(`  probabilistic_sampler/${name}: ${sampler}`)
      exporters.push(`  ${exporter(name)}`)
      const id = exporter(name).split(':')[0]
      pipelines.push(
        `    ${signal}/${index}: { receivers: [${receiver.split(':')[0]}], processors: [probabilistic_sampler/${name}], exporters: [${id}] }`,
      )
    }
  return `receivers:\n  ${receiver}\nprocessors:\n${processors.join('\n')}\nexporters:\n${exporters.join('\n')}\nservice:\n  pipelines:\n${pipelines.join('\n')}\n`
}

const collector = findCollector()

describe(
  'probabilistic_sampler and the real Collector',
  { skip: 'missing' in collector ? collector.missing : false },
  () => {
    const theirs = new Map<string, Map<string, object>>()
    const ours = new Map<string, Map<string, object>>()

    before(async () => {
      if (!('path' in collector)) return
      const requests = [
        { path: '/v1/traces', body: spans },
        { path: '/v1/logs', body: logs },
      ]
      const yaml = configuration(
        'otlp: { protocols: { http: { endpoint: "127.0.0.1:PORT" } } }',
        (name) => `file/${name}: { path: DIR/${name}.jsonl }`,
      )
      const telemetry = '  telemetry: { metrics: { level: none } }\n'
      for (const [name, lines] of await throughCollector(collector.path, yaml + telemetry, requests))
        theirs.set(name, itemsOf(lines))
      const bed = await TestBed.start(configuration('test_source:', (name) => `test_sink/${name}:`))
      await bed.send('traces', spans)
      await bed.send('logs', logs)
      await bed.stop()
      const names = new Set(bed.sent.map(({ exporter }) => exporter))
      for (const name of names) ours.set(name.split('/')[1] as string, itemsOf(await bed.requests(1, name)))
    })

    for (const [signal, samplers] of Object.entries({ traces: SPANS, logs: LOGS }))
      for (const [index, sampler] of samplers.entries())
        test(`keep the same ${signal} and write the same to them: ${sampler}`, () => {
          const name = `${signal}${index}`
          assert.deepEqual(ours.get(name) ?? new Map(), theirs.get(name) ?? new Map())
        })

    test('kept some and dropped some', () => {
      const kept = [...theirs.values()].map(({ size }) => size)
      assert.ok(kept.filter((size) => size > 50 && size < ITEMS - 50).length > SPANS.length, String(kept))
    })
  },
)

interface Item {
  readonly name?: string
  readonly body?: { readonly stringValue: string }
  readonly traceState?: string
  readonly attributes?: readonly { readonly key: string }[]
}
interface Lines {
  readonly resourceSpans?: readonly { scopeSpans: readonly { spans: readonly Item[] }[] }[]
  readonly resourceLogs?: readonly { scopeLogs: readonly { logRecords: readonly Item[] }[] }[]
}

/** By name, what sampling wrote. */
function itemsOf(lines: readonly object[]): Map<string, object> {
  const items = new Map<string, object>()
  for (const { resourceSpans = [], resourceLogs = [] } of lines as Lines[]) {
    const found = [
      ...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
      ...resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap((scope) => scope.logRecords)),
    ]
    for (const { name, body, traceState = '', attributes = [] } of found) {
      const own = attributes.filter(({ key }) => key.startsWith('sampling.'))
      items.set(name ?? (body?.stringValue as string), {
        traceState,
        attributes: own.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
      })
    }
  }
  return items
}
