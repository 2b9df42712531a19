import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TestBed } from '../../../src/testing/bed.ts'
import { findCollector, throughCollector } from '../../e2e/collector.ts'
import { logs, metrics, profiles, traces } from './inputs.ts'

const COUNTS: readonly string[] = [
  '{}',
  '{ spans: { only.spans: { description: Mine. } } }',
  `{ spans: { by.route: { attributes: [{ key: route }] }, by.all: { attributes: [{ key: route }, { key: size }] } },
     spanevents: { events: { attributes: [{ key: route, default_value: none }, { key: from.scope }] } } }`,
  `{ spans: { a: { attributes: [{ key: size, default_value: 1 }] }, b: { attributes: [{ key: size, default_value: 1.5 }, { key: n }] },
       c: { attributes: [{ key: missing }] }, d: { attributes: [{ key: route }, { key: route }] },
       e: { attributes: [{ key: missing, default_value: [a, 1, true] }] }, f: { attributes: [{ key: service.name, default_value: none }] } } }`,
  '{ datapoints: { points: { attributes: [{ key: route, default_value: false }] } }, metrics: { all: { description: All. } } }',
  '{ logs: { by.route: { attributes: [{ key: route }] }, by.list: { attributes: [{ key: list, default_value: 0 }] } } }',
  '{ profiles: { by.route: { attributes: [{ key: route }] }, by.kind: { attributes: [{ key: kind, default_value: none }, { key: from.scope }] } } }',
]

function configuration(receiver: string, exporter: (name: string) => string): string {
  const connectors = COUNTS.map((each, index) => `  count/${index}: ${each}`)
  const exporters = COUNTS.map((_, index) => `  ${exporter(`count${index}`)}`)
  const all = COUNTS.map((_, index) => `count/${index}`).join(', ')
  const id = receiver.split(':')[0]
  const inputs = ['traces', 'metrics', 'logs', 'profiles'].map(
    (signal) => `    ${signal}/in: { receivers: [${id}], exporters: [${all}] }`,
  )
  const outputs = COUNTS.map((_, index) => {
    const sink = exporter(`count${index}`).split(':')[0]
    return `    metrics/${index}: { receivers: [count/${index}], exporters: [${sink}] }`
  })
  const pipelines = [...inputs, ...outputs].join('\n')
  return `receivers:\n  ${receiver}\nconnectors:\n${connectors.join('\n')}\nexporters:\n${exporters.join('\n')}\nservice:\n  pipelines:\n${pipelines}\n`
}

const collector = findCollector()

describe('count and the real Collector', { skip: 'missing' in collector ? collector.missing : false }, () => {
  test('make the same metrics of the same spans, metrics, log records and profiles', async () => {
    if (!('path' in collector)) return
    const requests = [
      { path: '/v1/traces', body: traces },
      { path: '/v1/metrics', body: metrics },
      { path: '/v1/logs', body: logs },
      { path: '/v1development/profiles', body: profiles },
    ]
    const yaml = configuration(
      'otlp: { protocols: { http: { endpoint: "127.0.0.1:PORT" } } }',
      (name) => `file/${name}: { path: DIR/${name}.jsonl }`,
    )
    const theirs = await throughCollector(
      collector.path,
      `${yaml}  telemetry: { metrics: { level: none } }\n`,
      requests,
    )
    const bed = await TestBed.start(configuration('test_source:', (name) => `test_sink/${name}:`))
    await bed.send('traces', traces)
    await bed.send('metrics', metrics)
    await bed.send('logs', logs)
    await bed.send('profiles', profiles)
    await bed.stop()
    for (const index of COUNTS.keys()) {
      const ours = await bed.requests(1, `test_sink/count${index}`)
      const name = `count${index}`
      assert.deepEqual(canonical(ours), canonical(theirs.get(name) ?? []), COUNTS[index])
    }
  })
})

interface Request {
  readonly resourceMetrics?: readonly {
    readonly resource?: { attributes?: readonly { key: string }[] }
    readonly scopeMetrics: readonly { scope: object; metrics: readonly Metric[] }[]
  }[]
}
interface Metric {
  readonly name: string
  readonly description?: string
  readonly sum: { readonly dataPoints: readonly Point[]; readonly isMonotonic: boolean }
}
interface Point {
  readonly startTimeUnixNano: string
  readonly timeUnixNano: string
  readonly asInt: string
  readonly attributes?: readonly { key: string }[]
}

/** One line for each data point with all that leads to it, sorted: neither program promises an order. Times that are now are "now". */
function canonical(requests: readonly object[]): string[] {
  const time = (nanos: string) => (BigInt(nanos) > 10n ** 18n ? 'now' : nanos)
  const sorted = (attributes: readonly { key: string }[] = []) =>
    attributes.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const lines = (requests as Request[]).flatMap(({ resourceMetrics = [] }) =>
    resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
      scopeMetrics.flatMap(({ scope, metrics }) =>
        metrics.flatMap(({ name, description = '', sum: { dataPoints, ...sum } }) =>
          dataPoints.map(
            (each) =>
            JSON.stringify([
              sorted(resource?.attributes), scope, name, description, Object.entries(sum).toSorted(([a], [b]) => (a < b ? -1 : 1)),
              time(each.startTimeUnixNano), time(each.timeUnixNano), each.asInt, sorted(each.attributes),
            ]), // prettier-ignore
          ),
        ),
      ),
    ),
  )
  return lines.toSorted()
}
