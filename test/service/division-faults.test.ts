import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { check } from '../../src/config/check.ts'
import type { Configuration } from '../../src/config/configuration.ts'
import { load } from '../../src/config/load.ts'
import { divide } from '../../src/graph/division.ts'
import { draw } from '../../src/graph/draw/draw.ts'
import { plan } from '../../src/graph/plan.ts'
import { chosen } from '../../src/service/chosen.ts'
import { divisionFaults } from '../../src/service/division-faults.ts'
import { needsRestart } from '../../src/service/needs-restart.ts'

const skip = process.platform === 'linux' ? false : 'several processes share an address on Linux alone'

async function configured(workers: string, exporter = 'otlp_http'): Promise<Configuration> {
  const yaml = `yaml:
    receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:4318" } } }, telegen: }
    exporters: { otlp_http: { endpoint: "http://localhost:1" }, file: { path: /tmp/x } }
    service:
      workers: ${workers}
      pipelines:
        traces: { receivers: [otlp], exporters: [${exporter}] }
        metrics: { receivers: [telegen], exporters: [file] }`
  const { configuration, faults } = await check(load({ configs: [yaml] }), builtInCatalog(), { machine: false })
  assert.deepEqual(faults, [])
  return configuration as Configuration
}

describe('where pipelines run', { skip }, () => {
  test('is worth knowing of those that run in one process though there are several', async () => {
    const [fault, ...rest] = divisionFaults(await configured('4'))
    assert.deepEqual(rest, [])
    assert.equal(fault?.severity, 'info')
    assert.equal(fault?.path, 'service::pipelines::metrics')
    assert.equal(fault?.message, 'runs in one process, and not in 4: exporter "file" exists once')
    assert.equal(fault?.place.line, 8)
  })

  test('is a warning where nothing can be copied, and nothing at all where one process is wanted', async () => {
    const severities = divisionFaults(await configured('4', 'file')).map(({ severity }) => severity)
    assert.deepEqual(severities, ['warning', 'warning'])
    assert.deepEqual(divisionFaults(await configured('1')), [])
  })

  test('stands in the printed configuration and in the drawing', async () => {
    const configuration = await configured('4')
    const note = chosen(configuration, plan(configuration)).find(({ path }) => path.at(-1) === 'workers')
    assert.equal(note?.text, '4 processes run traces; in the first alone: metrics (exporter "file" exists once)')
    const drawn = draw(plan(configuration), 'text', [], divide(configuration, 4))
    assert.match(drawn, /pipeline traces .*, in 4 processes/)
    assert.match(drawn, /pipeline metrics .*, in one process/)
    assert.doesNotMatch(draw(plan(configuration), 'text', [], divide(configuration, 1)), /process/)
  })

  test('changes in number with a restart alone', async () => {
    const [before, after] = await Promise.all([configured('4'), configured('3')])
    assert.deepEqual(needsRestart(before.service, after.service), ['service::workers'])
  })
})
