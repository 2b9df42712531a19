import type { Names, Template } from '../template.ts'

export const exporter = ({ type, variable }: Names): Template => ({
  summary: 'Writes a line for each batch into a file.',
  index: `import { appendFile } from 'node:fs/promises'
import { defineExporter, Options, Refused, sendingOptions, toObject, Type } from 'telegen/plugin'

export default defineExporter({
  type: '${type}',
  summary: 'Writes a line for each batch into a file.',
  stability: { traces: 'development', metrics: 'development', logs: 'development' },
  config: Options({
    // Queue, retry and time-out stand before the exporter by themselves.
    ...sendingOptions,
    path: Type.String({ default: './${type}.jsonl', description: 'The file; it grows.' }),
  }),
  create: ({ config }) => ({
    // Resolves when the other side has the data. A Refused says whether trying again may help.
    async send(batch) {
      const line = JSON.stringify(toObject(Buffer.concat(batch.segments()), batch.signal))
      try {
        await appendFile(config.path, line + '\\n')
      } catch (cause) {
        throw new Refused('cannot write to ' + config.path, { code: 'unavailable', retry: {}, cause })
      }
    },
  }),
})
`,
  test: `import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TestBed } from 'telegen/testing'
import ${variable} from './index.js'

test('writes a line for each batch', async () => {
  const directory = mkdtempSync(join(tmpdir(), '${type}-'))
  const path = join(directory, 'out.jsonl')
  const bed = await TestBed.start(
    \`
    receivers: { test_source: }
    exporters: { ${type}: { path: "\${path}" } }
    service: { pipelines: { logs: { receivers: [test_source], exporters: [${type}] } } }\`,
    { definitions: [${variable}] },
  )
  for (const body of ['one', 'two'])
    await bed.send('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: body } }] }] }] })
  // A stop sends what still waits in the queue.
  await bed.stop()
  const bodies = readFileSync(path, 'utf8')
    .trim()
    .split('\\n')
    .map((line) => JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue)
  assert.deepEqual(bodies.sort(), ['one', 'two'])
  rmSync(directory, { recursive: true })
})
`,
  config: `plugins: [./index.js]

receivers:
  host_metrics:
    collection_interval: 10s
    scrapers:
      load:

exporters:
  ${type}:

service:
  pipelines:
    metrics:
      receivers: [host_metrics]
      exporters: [${type}]
`,
})
