import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { Secret } from '../../src/component/options.ts'
import { Refused } from '../../src/component/refused.ts'
import { DEFAULT_READERS } from '../../src/config/check/metric-readers.ts'
import type { MetricReader, OtlpMetricExporter, PrometheusReader } from '../../src/config/telemetry.ts'
import { Metrics } from '../../src/graph/metrics.ts'
import { Telemetry } from '../../src/telemetry/own-telemetry.ts'
import { readByPrometheus } from '../../src/telemetry/prometheus-reader.ts'
import { startReaders } from '../../src/telemetry/readers.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { freePorts } from '../free-ports.ts'

const now = () => AbortSignal.timeout(10_000)
/** Deadlines do not keep a process alive; a test that waits for one must be. */
let alive: NodeJS.Timeout
before(() => void (alive = setInterval(() => {}, 2 ** 30)))
after(() => clearInterval(alive))

const [DEFAULT] = DEFAULT_READERS as readonly [PrometheusReader]

function setting(t: TestContext, level: 'normal' | 'none' = 'normal') {
  const clock = new TestClock()
  const metrics = new Metrics(level)
  const lines: string[] = []
  const say = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const resource = { 'service.name': 'telegen', team: 'a' }
  const own = new Telemetry({ metrics, resource, version: '1', clock, startTime: clock.now() })
  const log = { debug: say, info: say, warn: say, error: say }
  const start = async (...readers: MetricReader[]) => {
    const started = await startReaders(readers, { own, log, catalog: builtInCatalog() })
    let stopped = false
    const stop = async () => {
      if (!stopped) await started.stop(now())
      stopped = true
    }
    t.after(stop)
    return { stop }
  }
  return { clock, metrics, lines, own, log, start }
}

const otlp = (to: Partial<OtlpMetricExporter>): MetricReader => ({
  kind: 'periodic',
  interval: 1_000,
  timeout: 3_000,
  exporter: {
    kind: 'otlp',
    protocol: 'grpc',
    endpoint: '',
    insecure: true,
    headers: new Map([['x-key', new Secret('k')]]),
    compression: 'gzip',
    certificate: undefined,
    clientKey: undefined,
    clientCertificate: undefined,
    temporality: 'cumulative',
    ...to,
  },
})

/** An engine that takes OTLP on both protocols. */
async function backend(t: TestContext) {
  const [grpc, http] = (await freePorts(2)) as [number, number]
  const bed = await TestBed.start(`
    receivers: { otlp: { protocols: {
      grpc: { endpoint: "127.0.0.1:${grpc}", include_metadata: true }, http: { endpoint: "127.0.0.1:${http}" } } } }
    exporters: { test_direct: }
    service: { pipelines: { metrics: { receivers: [otlp], exporters: [test_direct] } } }`)
  t.after(() => bed.stop())
  return { bed, grpc, http }
}

interface Request {
  resourceMetrics: { resource: object; scopeMetrics: { metrics: { name: string; sum: Sum }[] }[] }[]
}
interface Sum {
  aggregationTemporality: number
  dataPoints: { startTimeUnixNano: string; timeUnixNano: string; asInt: string }[]
}

const sumOf = (request: object | undefined) =>
  (request as Request).resourceMetrics[0]?.scopeMetrics[0]?.metrics.find(({ name }) => name === 'c')?.sum

describe('the Prometheus endpoint', () => {
  test('offers the metrics at /metrics, to be read and nothing else', async (t) => {
    const { metrics, own, log } = setting(t)
    metrics.counter('c', { unit: '1', description: '' }).add(3)
    const reader = await readByPrometheus(
      { ...DEFAULT, port: 0, resourceLabels: { included: [], excluded: ['team'] } },
      own,
      log,
    )
    t.after(() => reader.stop(now()))
    const ask = (path: string, init?: RequestInit) => fetch(`http://localhost:${reader.port}${path}`, init)
    const answer = await ask('/metrics?x=y')
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores')
    const text = await answer.text()
    assert.match(text, /^c\{service_name="telegen"\} 3$/m)
    assert.match(text, /^target_info\{service_name="telegen",team="a"\} 1$/m)
    const utf8 = await ask('/metrics', { headers: { accept: 'text/plain;version=1.0.0;escaping=allow-utf-8' } })
    assert.match(await utf8.text(), /^c\{"service\.name"="telegen"\} 3$/m)
    assert.equal((await ask('/')).status, 404)
    assert.equal((await ask('/metrics', { method: 'POST', body: 'x' })).status, 405)
    const head = await ask('/metrics', { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal(Number(head.headers.get('content-length')), Buffer.byteLength(text))
  })

  test('stops the start in the words of the Collector where its address is taken; the default one warns', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    t.after(() => taken.close())
    const { port } = taken.address() as { port: number }
    const { start, lines } = setting(t)
    const reader = { ...DEFAULT, host: '127.0.0.1', port }
    const where = `127.0.0.1:${port}`
    const message = `binding address ${where} for Prometheus exporter: listen tcp ${where}: bind: address already in use`
    await assert.rejects(start({ ...reader, written: true }), { message })
    await start(reader)
    assert.equal(lines.length, 1)
    assert.ok(lines[0]?.includes(message))
  })

  test('answers one request at a time on a connection, and closes it where many come at once', async (t) => {
    const { own, log } = setting(t)
    let looks = 0
    const measured = own.measured.bind(own)
    own.measured = () => {
      looks++
      return measured()
    }
    const reader = await readByPrometheus({ ...DEFAULT, port: 0 }, own, log)
    t.after(() => reader.stop(now()))
    const client = connect(reader.port, '127.0.0.1').resume()
    const request = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'
    for (let times = 0; times < 3; times++) {
      client.write(request)
      await once(client, 'data', { signal: now() })
    }
    assert.equal(looks, 3)
    client.on('error', () => {}).write(request.repeat(500))
    await once(client, 'close', { signal: now() })
    assert.equal(looks, 4)
  })

  test('lets go of who does not read what it asked for', async (t) => {
    const { own, log, metrics } = setting(t)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const counter = metrics.counter('x', { unit: '1', description: '' })
    for (let index = 0; index < 1_000; index++) counter.add(1, { key: String(index).padEnd(16 * 1024) })
    const reader = await readByPrometheus({ ...DEFAULT, port: 0 }, own, log)
    t.after(() => reader.stop(now()))
    const client = connect(reader.port, '127.0.0.1').pause()
    client.on('error', () => {}).write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n')
    let taken = 0
    await once(client, 'readable', { signal: now() })
    t.mock.timers.tick(60_000)
    client.on('data', ({ length }: Buffer) => (taken += length))
    await once(client, 'close', { signal: now() })
    assert.ok(taken < 16_000_000, `${taken} bytes`)
  })

  test('is not there at level none', async (t) => {
    const { start } = setting(t, 'none')
    const [port] = (await freePorts(1)) as [number]
    await start({ ...DEFAULT, port, written: true })
    await assert.rejects(fetch(`http://localhost:${port}/metrics`))
  })
})

describe('metrics that are sent', () => {
  for (const protocol of ['grpc', 'http/protobuf', 'http/json'] as const)
    test(`arrive over ${protocol} every interval, and once more at the stop`, async (t) => {
      const { bed, grpc, http } = await backend(t)
      const { start, metrics, clock } = setting(t)
      const counter = metrics.counter('c', { unit: '1', description: '' })
      const { stop } = await start(
        otlp({ protocol, endpoint: `http://127.0.0.1:${protocol === 'grpc' ? grpc : http}` }),
      )
      counter.add(2)
      await clock.advance(1_000)
      await bed.requests(1)
      counter.add(3)
      await stop()
      const requests = await bed.requests(2)
      assert.equal(requests.length, 2)
      const [first, last] = requests.map(sumOf)
      assert.equal(first?.dataPoints[0]?.asInt, '2')
      assert.equal(last?.dataPoints[0]?.asInt, '5')
      assert.equal(last?.aggregationTemporality, 2)
      assert.equal(first?.dataPoints[0]?.startTimeUnixNano, last?.dataPoints[0]?.startTimeUnixNano)
      if (protocol === 'grpc') assert.deepEqual(bed.sent[0]?.origin.metadata.get('x-key'), ['k'])
    })

  test('as deltas have since the last time what did not arrive before', async (t) => {
    const { bed, http } = await backend(t)
    const { start, metrics, clock, lines } = setting(t)
    const counter = metrics.counter('c', { unit: '1', description: '' })
    const endpoint = `http://127.0.0.1:${http}/v1/metrics`
    await start(otlp({ protocol: 'http/protobuf', endpoint, temporality: 'delta' }))
    const points = async (count: number) =>
      (await bed.requests(count)).flatMap((request) => sumOf(request)?.dataPoints ?? [])
    counter.add(2)
    await clock.advance(1_000)
    const [first] = await points(1)
    bed.onSend = () => {
      throw new Refused('no', { code: 'invalid_argument', retry: 'never' })
    }
    counter.add(3)
    await clock.advance(1_000)
    await bed.until(() => lines.length > 0, 'a warning')
    assert.match(lines[0] ?? '', /^Metrics of Telegen itself were not sent/)
    bed.onSend = undefined
    counter.add(4)
    await clock.advance(1_000)
    await bed.until(() => bed.sent.length > 1, 'the next')
    const last = (await points(bed.sent.length)).at(-1)
    assert.deepEqual([first?.asInt, last?.asInt], ['2', '7'])
    assert.equal(last?.startTimeUnixNano, first?.timeUnixNano)
  })

  test('hold up a stop for two seconds at most where nobody takes them', async (t) => {
    const [dead] = (await freePorts(1)) as [number]
    const { start, lines } = setting(t)
    const { stop } = await start(otlp({ protocol: 'http/protobuf', endpoint: `http://127.0.0.1:${dead}` }))
    const began = performance.now()
    await stop()
    assert.ok(performance.now() - began < 4_000)
    assert.match(lines.join(), /were not sent/)
  })

  test('are refused where the exporter cannot be made, with its reason', async (t) => {
    const { start } = setting(t)
    await assert.rejects(
      start(otlp({ endpoint: 'https://127.0.0.1:1', insecure: false, certificate: '/no/such.pem' })),
      /no\/such\.pem/,
    )
  })
})
