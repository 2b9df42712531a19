import type { Names, Template } from '../template.ts'

export const extension = ({ type, variable }: Names): Template => ({
  summary: 'Keeps a file with the process id while Telegen runs.',
  index: `import { rm, writeFile } from 'node:fs/promises'
import { defineExtension, Options, Type } from 'telegen/plugin'

export default defineExtension({
  type: '${type}',
  summary: 'Keeps a file with the process id while Telegen runs.',
  stability: { extension: 'development' },
  config: Options({
    path: Type.String({ default: './${type}.pid', description: 'The file.' }),
  }),
  // Started before all pipelines, stopped after them. Rejecting a start ends the start of everything.
  create: ({ config }) => ({
    start: () => writeFile(config.path, String(process.pid)),
    stop: () => rm(config.path, { force: true }),
  }),
})
`,
  test: `import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TestBed } from 'telegen/testing'
import ${variable} from './index.js'

test('keeps the file while it runs', async () => {
  const directory = mkdtempSync(join(tmpdir(), '${type}-'))
  const path = join(directory, 'pid')
  const bed = await TestBed.start(
    \`
    extensions: { ${type}: { path: "\${path}" } }
    receivers: { test_source: }
    exporters: { test_sink: }
    service:
      extensions: [${type}]
      pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } }\`,
    { definitions: [${variable}] },
  )
  assert.equal(readFileSync(path, 'utf8'), String(process.pid))
  await bed.stop()
  assert.equal(existsSync(path), false)
  rmSync(directory, { recursive: true })
})
`,
  config: `plugins: [./index.js]

extensions:
  ${type}:

receivers:
  host_metrics:
    collection_interval: 10s
    scrapers:
      load:

exporters:
  debug:

service:
  extensions: [${type}]
  pipelines:
    metrics:
      receivers: [host_metrics]
      exporters: [debug]
`,
})
