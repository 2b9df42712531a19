import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_LIMITS } from '../../src/config/configuration.ts'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { Catalog } from '../../src/component/catalog.ts'
import { checkText, testCatalog, told } from './check-text.ts'
import { network, sink, tracesOnly } from './test-definitions.ts'

const MINIMAL = `
receivers: {traces_only: }
exporters: {sink: }
service:
  pipelines:
    traces: {receivers: [traces_only], exporters: [sink]}
`

describe('a configuration without faults', () => {
  test('has canonical ids, each once, and pipelines in the order of the file', async () => {
    const { configuration } = await checkText(`
receivers: {oldnet/in: {protocols: {grpc: }}, traces-only: }
processors: {plain/b: , plain/a: }
connectors: {pass: }
exporters: {send / x: , sink: }
extensions: {login: , login/off: }
service:
  extensions: [login, login]
  pipelines:
    traces/z: {receivers: [network/in, oldnet/in, traces_only, pass], processors: [plain/b, plain/a], exporters: [sender/x, send/x]}
    traces/a: {receivers: [traces_only], exporters: [pass, pass, sink]}
`)
    assert.ok(configuration)
    assert.deepEqual([...configuration.receivers.keys()], ['network/in', 'traces_only'])
    assert.deepEqual([...configuration.exporters.keys()], ['sender/x', 'sink'])
    assert.deepEqual([...configuration.extensions.keys()], ['login', 'login/off'])
    assert.deepEqual(configuration.service.extensions, ['login'])
    assert.deepEqual(
      configuration.service.pipelines.map(({ id, signal, receivers, processors, exporters }) => [
        id,
        signal,
        receivers,
        processors,
        exporters,
      ]),
      [
        ['traces/z', 'traces', ['network/in', 'traces_only', 'pass'], ['plain/b', 'plain/a'], ['sender/x']],
        ['traces/a', 'traces', ['traces_only'], [], ['pass', 'sink']],
      ],
    )
    assert.equal(configuration.receivers.get('network/in')?.definition, network)
    assert.deepEqual(configuration.receivers.get('network/in')?.place, { source: 'yaml:', line: 2, column: 13 })
  })

  test('has the default limits and logs', async () => {
    const { configuration } = await checkText(MINIMAL)
    assert.deepEqual(configuration?.service.limits, DEFAULT_LIMITS)
    const { logs, metrics } = configuration.service.telemetry
    assert.deepEqual(logs, {
      level: 'info',
      encoding: 'console',
      outputPaths: ['stderr'],
      initialFields: {},
      resource: true,
    })
    assert.equal(metrics.level, 'normal')
    assert.deepEqual(
      metrics.readers.map((each) => each.kind === 'prometheus' && [each.host, each.port, each.written]),
      [['localhost', 8888, false]],
    )
  })

  test('has the limits and logs that it asks for', async () => {
    const { configuration } = await checkText([
      MINIMAL,
      'service: {limits: {traces: 64MiB, logs: 100MB}, telemetry: {logs: {level: WARN, encoding: json}}}',
    ])
    assert.deepEqual(configuration?.service.limits, { ...DEFAULT_LIMITS, traces: 64 * 2 ** 20, logs: 100e6 })
    const { logs } = configuration.service.telemetry
    assert.deepEqual([logs.level, logs.encoding], ['warn', 'json'])
  })

  test('runs with a variable that is not set, and warns', async () => {
    const { configuration, warnings } = await checkText([MINIMAL, 'service: {limits: {traces: "${env:NONE}"}}'])
    assert.equal(configuration?.service.limits.traces, DEFAULT_LIMITS.traces)
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['unset_variable'],
    )
  })
})

describe('components', () => {
  test('that nobody configures are not loaded', async () => {
    const loaded: string[] = []
    const catalog = new Catalog(
      [tracesOnly, sink, network].map((definition) => ({
        kind: definition.kind,
        type: definition.type,
        source: 'built-in',
        load: async () => {
          loaded.push(definition.type)
          return definition
        },
      })),
    )
    await check(load({ configs: [`yaml:${MINIMAL}`], environment: {} }), catalog)
    assert.deepEqual(loaded.sort(), ['sink', 'traces_only'])
  })

  test('that cannot be loaded are faults at their place', async () => {
    const catalog = testCatalog([tracesOnly])
    catalog.add({
      kind: 'exporter',
      type: 'sink',
      source: 'built-in',
      load: () => Promise.reject(new Error('addon is missing')),
    })
    const { faults } = await check(load({ configs: [`yaml:${MINIMAL}`], environment: {} }), catalog)
    assert.deepEqual(told(faults), [
      '3:13 exporters::sink: exporter type "sink" of built-in could not be loaded: addon is missing',
    ])
  })

  test('named wrongly in a list of a pipeline are told once', async () => {
    const { faults } = await checkText([MINIMAL, 'service: {pipelines: {traces: {exporters: [sink, {a: b}, 5]}}}'])
    assert.deepEqual(told(faults), [
      `1:50 service::pipelines: '[traces].exporters[1]' expected type 'string', got unconvertible type 'map[string]interface {}'`,
      `1:58 service::pipelines: '[traces].exporters[2]' expected type 'string', got unconvertible type 'int'`,
    ])
  })
})
