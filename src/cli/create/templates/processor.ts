import type { Names, Template } from '../template.ts'

export const processor = ({ type, variable }: Names): Template => ({
  summary: 'Writes an attribute on every record.',
  index: `import { defineProcessor, hook, Options, Type } from 'telegen/plugin'

export default defineProcessor({
  type: '${type}',
  summary: 'Writes an attribute on every record.',
  stability: { traces: 'development', metrics: 'development', logs: 'development' },
  config: Options({
    key: Type.String({ default: '${type}', minLength: 1, description: 'Key of the attribute.' }),
    value: Type.String({ default: 'seen', description: 'Its value.' }),
  }),
  // The engine runs a hook for each record, together with those of its neighbours. Return DROP to drop the record.
  create: ({ config, signal }) => ({
    steps: [hook(recordOf(signal), (record) => record.attributes.set(config.key, config.value))],
  }),
})

/** @param {import('telegen/plugin').Signal} signal */
function recordOf(signal) {
  if (signal === 'traces') return 'span'
  return signal === 'metrics' ? 'dataPoint' : 'logRecord'
}
`,
  test: `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestBed } from 'telegen/testing'
import ${variable} from './index.js'

test('writes the attribute on every log record', async () => {
  const bed = await TestBed.start(
    \`
    receivers: { test_source: }
    processors: { ${type}: { value: hello } }
    exporters: { test_sink: }
    service: { pipelines: { logs: { receivers: [test_source], processors: [${type}], exporters: [test_sink] } } }\`,
    { definitions: [${variable}] },
  )
  const logRecords = [{ body: { stringValue: 'one' } }, { body: { stringValue: 'two' } }]
  await bed.send('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  const [request] = await bed.requests(1)
  assert.deepEqual(
    request.resourceLogs[0].scopeLogs[0].logRecords.map((record) => record.attributes),
    [1, 2].map(() => [{ key: '${type}', value: { stringValue: 'hello' } }]),
  )
  await bed.stop()
})
`,
  config: `plugins: [./index.js]

receivers:
  host_metrics:
    collection_interval: 10s
    scrapers:
      load:

processors:
  ${type}:

exporters:
  debug:
    verbosity: detailed

service:
  pipelines:
    metrics:
      receivers: [host_metrics]
      processors: [${type}]
      exporters: [debug]
`,
})
