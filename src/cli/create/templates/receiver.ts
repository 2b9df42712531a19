import type { Names, Template } from '../template.ts'

export const receiver = ({ type, variable }: Names): Template => ({
  summary: 'Reports how many entries a folder has.',
  index: `import { readdir } from 'node:fs/promises'
import { defineReceiver, metrics, Options, poll, scraperOptions, Type } from 'telegen/plugin'

export default defineReceiver({
  type: '${type}',
  summary: 'Reports how many entries a folder has.',
  stability: { metrics: 'development' },
  config: Options({
    ...scraperOptions('1m'),
    directory: Type.String({ default: '.', description: 'The folder to look into.' }),
  }),
  // Nothing is touched before the engine asks for the first scrape. What throws is the receiver's status, and told in the log.
  create: (context) =>
    poll(context, context.config, async () => {
      const { directory } = context.config
      const entries = await readdir(directory)
      const batch = metrics({})
      const gauge = batch.gauge('${type}.entries', '{entry}', { int: true })
      gauge.point(entries.length, { 'file.directory': directory })
      return { batches: [batch.finish()] }
    }),
})
`,
  test: `import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { TestBed } from 'telegen/testing'
import ${variable} from './index.js'

test('reports how many entries the folder has', async () => {
  const bed = await TestBed.start(
    \`
    receivers: { ${type}: { initial_delay: 0s } }
    exporters: { test_sink: }
    service: { pipelines: { metrics: { receivers: [${type}], exporters: [test_sink] } } }\`,
    { definitions: [${variable}] },
  )
  const [request] = await bed.requests(1)
  const [metric] = request.resourceMetrics[0].scopeMetrics[0].metrics
  assert.equal(metric.name, '${type}.entries')
  assert.equal(Number(metric.gauge.dataPoints[0].asInt), readdirSync('.').length)
  await bed.stop()
})
`,
  config: `plugins: [./index.js]

receivers:
  ${type}:
    collection_interval: 10s

exporters:
  debug:
    verbosity: detailed

service:
  pipelines:
    metrics:
      receivers: [${type}]
      exporters: [debug]
`,
})
