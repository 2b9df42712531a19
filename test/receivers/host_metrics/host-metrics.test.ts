import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TestBed, TestClock } from '../../../src/testing.ts'
import type { MetricsRequest } from './host.ts'
import { fixture, metricsOf } from './host.ts'

/** A whole configuration around a body of the receiver. */
const around = (body: string, type = 'host_metrics'): string => `
  receivers: { ${type}: ${body} }
  exporters: { test_sink: }
  service: { pipelines: { metrics: { receivers: [${type}], exporters: [test_sink] } } }`

const refused = (body: string, pattern: RegExp) => assert.rejects(TestBed.start(around(body)), pattern)

const namesOf = (request: object | undefined): readonly string[] =>
  metricsOf(request as MetricsRequest).map(({ name }) => name)

describe('the receiver host_metrics', () => {
  test('scrapes once after its delay, and then at its interval', async () => {
    const clock = new TestClock()
    const body = `{ root_path: ${fixture('linux-6.18')}, collection_interval: 10s, initial_delay: 1s, scrapers: { load:, system: } }`
    const bed = await TestBed.start(around(body), { clock })
    await clock.advance(900)
    assert.equal(bed.items(), 0)
    await clock.advance(100 + 500)
    const [first] = await bed.requests(1)
    assert.deepEqual(namesOf(first), [
      'system.cpu.load_average.1m',
      'system.cpu.load_average.5m',
      'system.cpu.load_average.15m',
      'system.uptime',
    ])
    await clock.advance(10_500)
    await bed.requests(2)
    assert.equal(bed.status('host_metrics').state, 'ok')
    await bed.stop()
  })

  test('says by its status what it cannot read, and delivers the rest', async () => {
    const clock = new TestClock()
    const body = `{ root_path: ${fixture('linux-5.10-arm64')}, collection_interval: 10s, scrapers: { load:, cpu: { metrics: { system.cpu.frequency: { enabled: true } } } } }`
    const bed = await TestBed.start(around(body), { clock })
    await clock.advance(2000)
    await bed.until(() => bed.status('host_metrics').state === 'recoverable_error', 'the status')
    assert.match(bed.status('host_metrics').reason ?? '', /scraping failed: cpu: ENOENT.*cpuinfo/)
    assert.ok(bed.items() > 0)
    await bed.stop()
  })

  test('takes its older name and the older names of metrics', async () => {
    const clock = new TestClock()
    const metrics = '{ system.network.packets: { enabled: false }, system.network.connections: { enabled: false } }'
    const body = `{ root_path: ${fixture('linux-6.18')}, scrapers: { network: { metrics: ${metrics} } } }`
    const bed = await TestBed.start(around(body, 'hostmetrics'), { clock })
    await clock.advance(5000)
    const [request] = await bed.requests(1)
    const expected = ['system.network.io', 'system.network.packet.dropped', 'system.network.errors']
    assert.deepEqual(namesOf(request), expected)
    await bed.stop()
  })

  test('names the conventions that it follows', async () => {
    const clock = new TestClock()
    const bed = await TestBed.start(around(`{ root_path: ${fixture('linux-6.18')}, scrapers: { load: } }`), { clock })
    await clock.advance(5000)
    const [request] = (await bed.requests(1)) as MetricsRequest[]
    assert.equal(request?.resourceMetrics[0]?.scopeMetrics[0]?.schemaUrl, 'https://opentelemetry.io/schemas/1.44.0')
    await bed.stop()
  })

  test('wants a scraper', () => refused('', /must specify at least one scraper when using hostmetrics receiver/))

  test('refuses scrapers that are not built yet, by name', async () => {
    await refused('{ scrapers: { process: } }', /the scraper "process" is not built yet/)
    await refused('{ scrapers: { cpu:, nfs: {} } }', /the scraper "nfs" is not built yet/)
  })

  test('refuses scrapers and options that nobody knows', async () => {
    await refused('{ scrapers: { cpus: } }', /cpus/)
    await refused('{ scrapers: { cpu: { per_core: true } } }', /per_core/)
  })

  test('refuses a metric that is wanted and not there, and lets one go that is not wanted', async () => {
    const metrics = (isOn: boolean) =>
      `{ scrapers: { memory: { metrics: { system.memory.page_size: { enabled: ${isOn} } } } } }`
    await refused(metrics(true), /the metric "system.memory.page_size" of the scraper "memory" is not built yet/)
    await refused(
      '{ scrapers: { memory: { metrics: { system.memory.usag: { enabled: false } } } } }',
      /system\.memory\.usag/,
    )
    const bed = await TestBed.start(around(metrics(false)), { clock: new TestClock() })
    await bed.stop()
  })

  test('refuses filters without a match type or with a broken expression', async () => {
    await refused('{ scrapers: { disk: { include: { devices: [sda] } } } }', /match_type/)
    const broken = '{ scrapers: { disk: { exclude: { devices: ["("], match_type: regexp } } } }'
    await refused(broken, /scrapers::disk::exclude::devices.*"\(" is no regular expression/)
    const types = '{ scrapers: { filesystem: { include_fs_types: { fs_types: ["[a"], match_type: regexp } } } }'
    await refused(types, /scrapers::filesystem::include_fs_types::fs_types.*is no regular expression/)
  })

  test('refuses an interval of nothing and a root that is no absolute path', async () => {
    await refused('{ collection_interval: 0s, scrapers: { cpu: } }', /"collection_interval": requires positive value/)
    await refused('{ root_path: hostfs, scrapers: { cpu: } }', /root_path "hostfs" is not an absolute path/)
  })
})
