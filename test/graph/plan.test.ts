import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { plan } from '../../src/graph/plan.ts'
import { testStorage } from '../sending/fake-storage.ts'

async function planOf(yaml: string) {
  const catalog = builtInCatalog()
  catalog.addPlugin(testStorage(), 'the test')
  const { configuration, faults } = await check(load({ configs: [`yaml:${yaml}`] }), catalog)
  assert.ok(configuration, faults.map(({ message }) => message).join('\n'))
  return plan(configuration)
}

const CHAIN = `
receivers: { otlp: { protocols: { http: } } }
connectors: { forward/a: , forward/b: }
exporters: { debug: , otlp_http: { endpoint: "http://localhost:1" } }
service:
  pipelines:
    traces/first: { receivers: [otlp], exporters: [forward/a, debug] }
    traces/second: { receivers: [forward/a], exporters: [forward/b] }
    traces/third: { receivers: [forward/b], exporters: [otlp_http] }
    logs: { receivers: [otlp], exporters: [debug] }
`

describe('a plan', () => {
  test('has its pipelines downstream first', async () => {
    const { pipelines } = await planOf(CHAIN)
    const order = pipelines.map(({ id }) => id)
    assert.ok(order.indexOf('traces/third') < order.indexOf('traces/second'))
    assert.ok(order.indexOf('traces/second') < order.indexOf('traces/first'))
  })

  test('knows what each signal of a receiver may reach, through connectors too', async () => {
    const { receivers } = await planOf(CHAIN)
    const [otlp] = receivers
    assert.deepEqual(
      otlp?.reaches
        .get('traces')
        ?.map(({ exporter }) => exporter)
        .toSorted(),
      ['debug', 'otlp_http'],
    )
    assert.deepEqual(otlp?.reaches.get('logs'), [{ exporter: 'debug', signal: 'logs' }])
  })

  test('has one exporter for each id, with the signals it takes, and nothing that stands in no pipeline', async () => {
    const { exporters } = await planOf(CHAIN.replace('exporters: {', 'exporters: { debug/unused: ,'))
    assert.deepEqual(
      exporters.map(({ id, signals }) => [id, signals]),
      [
        ['debug', ['traces', 'logs']],
        ['otlp_http', ['traces']],
      ],
    )
  })

  test('acknowledges what the option says; auto is delivered where a queue downstream waits for the result', async () => {
    const levelOf = async (receiver: string, queue: string) => {
      const { receivers } = await planOf(`
receivers: { otlp: { protocols: { http: }, ${receiver} } }
exporters: { otlp_http: { endpoint: "http://localhost:1", sending_queue: { ${queue} } } }
service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_http] } } }`)
      return receivers[0]?.acknowledge
    }
    assert.equal(await levelOf('', ''), 'accepted')
    assert.equal(await levelOf('', 'wait_for_result: true'), 'delivered')
    assert.equal(await levelOf('acknowledge: delivered', ''), 'delivered')
    assert.equal(await levelOf('acknowledge: accepted', 'wait_for_result: true'), 'accepted')
  })

  test('acknowledges what is on disk where all queues downstream are on disk, and not before', async () => {
    const levelOf = async (first: string, second: string, receiver = '') => {
      const { receivers } = await planOf(`
extensions: { test_storage: }
receivers: { otlp: { protocols: { http: }, ${receiver} } }
exporters:
  otlp_http/1: { endpoint: "http://localhost:1", sending_queue: { ${first} } }
  otlp_http/2: { endpoint: "http://localhost:1", sending_queue: { ${second} } }
service:
  extensions: [test_storage]
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_http/1, otlp_http/2] } }`)
      return receivers[0]?.acknowledge
    }
    const disk = 'storage: test_storage'
    assert.equal(await levelOf(disk, disk), 'durable')
    assert.equal(await levelOf(disk, ''), 'accepted')
    assert.equal(await levelOf(disk, 'enabled: false'), 'durable', 'where nothing waits it is delivered, which is more')
    assert.equal(await levelOf(disk, `${disk}, spill: true`), 'accepted')
    assert.equal(await levelOf(disk, 'wait_for_result: true'), 'delivered')
    assert.equal(await levelOf(disk, disk, 'acknowledge: accepted'), 'accepted')
  })

  test('is the same for the same configuration', async () => {
    const told = async () =>
      JSON.stringify(await planOf(CHAIN), (_, value: unknown) => (value instanceof Map ? [...value] : value))
    assert.equal(await told(), await told())
  })
})
