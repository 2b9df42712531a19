import type { Names, Template } from '../template.ts'

export const connector = ({ type, variable }: Names): Template => ({
  summary: 'Makes a metric of how many records each batch has.',
  index: `import { defineConnector, metrics, Observable, Options, replace, Type } from 'telegen/plugin'

export default defineConnector({
  type: '${type}',
  summary: 'Makes a metric of how many records each batch has.',
  stability: [
    { from: 'traces', to: 'metrics', level: 'development' },
    { from: 'metrics', to: 'metrics', level: 'development' },
    { from: 'logs', to: 'metrics', level: 'development' },
  ],
  config: Options({
    metric: Type.String({ default: '${type}.records', minLength: 1, description: 'Name of the metric.' }),
  }),
  create: ({ config, from }) => ({
    operator: (deliveries) =>
      new Observable((subscriber) =>
        deliveries.subscribe({
          next(delivery) {
            const batch = metrics({})
            const sum = batch.sum(config.metric, '{record}', { int: true, monotonic: true, temporality: 'delta' })
            sum.point(delivery.batch.items, { 'otel.signal': from })
            // What replaces a delivery answers for it: its sender hears when the metric has arrived.
            subscriber.next(replace(delivery, batch.finish()))
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      ),
  }),
})
`,
  test: `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestBed } from 'telegen/testing'
import ${variable} from './index.js'

test('makes a metric of how many records a batch has', async () => {
  const bed = await TestBed.start(
    \`
    receivers: { test_source: }
    connectors: { ${type}: }
    exporters: { test_sink: }
    service:
      pipelines:
        logs: { receivers: [test_source], exporters: [${type}] }
        metrics: { receivers: [${type}], exporters: [test_sink] }\`,
    { definitions: [${variable}] },
  )
  await bed.send('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{}, {}, {}] }] }] })
  const [request] = await bed.requests(1)
  const [metric] = request.resourceMetrics[0].scopeMetrics[0].metrics
  assert.equal(metric.name, '${type}.records')
  assert.equal(Number(metric.sum.dataPoints[0].asInt), 3)
  await bed.stop()
})
`,
  config: `plugins: [./index.js]

receivers:
  host_metrics:
    collection_interval: 10s
    scrapers:
      load:

connectors:
  ${type}:

exporters:
  debug:
    verbosity: detailed

service:
  pipelines:
    metrics/in:
      receivers: [host_metrics]
      exporters: [${type}]
    metrics/counted:
      receivers: [${type}]
      exporters: [debug]
`,
})
