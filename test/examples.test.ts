import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { builtInCatalog } from '../src/builtin.ts'
import { KINDS } from '../src/component/definition.ts'
import { logs } from '../src/data/builders/logs.ts'
import { traces } from '../src/data/builders/traces.ts'
import { Telegen } from './e2e/telegen.ts'
import { freePorts } from './free-ports.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MAIN = join(ROOT, 'dist/cli/main.js')
const example = (path: string) => readFile(join(ROOT, 'examples', path), 'utf8')

const FILES = [
  ...readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml')),
  'plugin-udp-lines/telegen.yaml',
]

for (const file of FILES)
  test(`examples/${file} validates without a word`, () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [MAIN, 'validate', '--config', join(ROOT, 'examples', file)],
      { encoding: 'utf8' },
    )
    assert.equal(stdout + stderr, '')
    assert.equal(status, 0)
  })

/** Posts a batch of one span or record; resolves to the status. */
function post(port: number, path: string, body: Buffer, more: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf', ...more }
    request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode as number))
    })
      .on('error', reject)
      .end(body)
  })
}

const span = (name: string, attributes = {}, trace = '5') =>
  traces({ 'service.name': 'example' })
    .span({
      traceId: createHash('md5').update(trace).digest('hex'),
      spanId: '7'.repeat(16),
      name,
      start: 1n,
      end: 2n,
      attributes,
    })
    .finish()
    .segments()[0] as Buffer
const record = (body: string, severity?: number) =>
  logs({ 'service.name': 'example' }).record({ body, severity }).finish().segments()[0] as Buffer

/** Takes the next port as well. */
const sink = (port: number) => `
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:${port}" }, http: { endpoint: "127.0.0.1:${port + 1}" } } } }
exporters: { file: { path: DIR/out.jsonl, flush_interval: 10ms } }
service:
  pipelines:
    traces: { receivers: [otlp], exporters: [file] }
    metrics: { receivers: [otlp], exporters: [file] }
    logs: { receivers: [otlp], exporters: [file] }
    profiles: { receivers: [otlp], exporters: [file] }
`
const stored = ({ directory }: Telegen) => readFile(join(directory, 'out.jsonl'), 'utf8').catch(() => '')

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + 20_000; !(await condition());) {
    if (performance.now() > end) throw new Error(`waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('the quickstart writes this host and what it is sent to its file', async () => {
  const [grpc, http, health] = (await freePorts(3)) as [number, number, number]
  const yaml = (await example('quickstart.yaml'))
    .replace(
      '      grpc:\n      http:',
      `      grpc: { endpoint: 127.0.0.1:${grpc} }\n      http: { endpoint: 127.0.0.1:${http} }`,
    )
    .replace('  health_check:', `  health_check: { endpoint: 127.0.0.1:${health} }`)
    .replace('telegen-quickstart/', 'DIR/quickstart/')
  const telegen = await Telegen.start(yaml)
  try {
    assert.equal(await post(http, '/v1/traces', span('hello')), 200)
    const read = () => readFile(join(telegen.directory, 'quickstart/telemetry.jsonl'), 'utf8').catch(() => '')
    await until(
      async () => (await read()).includes('system.cpu.time') && (await read()).includes('"hello"'),
      'metrics and the span',
    )
    assert.match(await read(), /host\.name/)
  } finally {
    assert.equal(await telegen.stop(), 0)
  }
})

test('the gateway drops health checks, hashes and deletes attributes, and sends on', async () => {
  const [grpc, http, health, next] = (await freePorts(4)) as [number, number, number, number]
  const backend = await Telegen.start(sink(next))
  const yaml = (await example('gateway.yaml'))
    .replace('${env:LISTEN_GRPC:-localhost:4317}', `127.0.0.1:${grpc}`)
    .replace('${env:LISTEN_HTTP:-localhost:4318}', `127.0.0.1:${http}`)
    .replace('${env:BACKEND:-http://localhost:14317}', `http://127.0.0.1:${next}`)
    .replace('  health_check:', `  health_check: { endpoint: 127.0.0.1:${health} }`)
  const telegen = await Telegen.start(yaml)
  try {
    await post(http, '/v1/traces', span('health', { 'http.route': '/healthz' }))
    await post(
      http,
      '/v1/traces',
      span('kept', { 'enduser.id': 'alice', 'http.request.header.authorization': 'Bearer x' }),
    )
    await until(async () => (await stored(backend)).includes('kept'), 'the span at the backend')
    const text = await stored(backend)
    assert.doesNotMatch(text, /healthz|alice|authorization/)
    assert.match(text, /enduser\.id/)
  } finally {
    await telegen.stop()
    await backend.stop()
  }
})

test('the fan-out sends to both backends, and marks what goes to the second', async () => {
  const [grpc, http, main, second] = (await freePorts(4)) as [number, number, number, number]
  const backends = [await Telegen.start(sink(main)), await Telegen.start(sink(second))] as const
  const yaml = (await example('fan-out.yaml'))
    .replace('${env:LISTEN_GRPC:-localhost:4317}', `127.0.0.1:${grpc}`)
    .replace('${env:LISTEN_HTTP:-localhost:4318}', `127.0.0.1:${http}`)
    .replace('${env:MAIN_BACKEND:-http://localhost:24318}', `http://127.0.0.1:${main + 1}`)
    .replace('${env:TEST_BACKEND:-http://localhost:34318}', `http://127.0.0.1:${second + 1}`)
  const telegen = await Telegen.start(yaml)
  try {
    await post(http, '/v1/traces', span('both'))
    await post(http, '/v1/logs', record('both too'))
    for (const backend of backends)
      await until(
        async () => (await stored(backend)).includes('both too') && (await stored(backend)).includes('"both"'),
        'both at each backend',
      )
    assert.doesNotMatch(await stored(backends[0]), /copied\.to/)
    assert.match(await stored(backends[1]), /copied\.to/)
  } finally {
    await telegen.stop()
    for (const backend of backends) await backend.stop()
  }
})

/** An example with its environment. A variable that it does not have is a mistake of the test. */
async function exampleIn(path: string, environment: Readonly<Record<string, string>>): Promise<string> {
  let yaml = await example(path)
  for (const [name, value] of Object.entries(environment)) {
    const reference = new RegExp(`\\$\\{env:${name}:-[^}]*\\}`, 'g')
    assert.match(yaml, reference, name)
    yaml = yaml.replace(reference, value)
  }
  return yaml
}

const listening = ([grpc, http, health, metrics]: readonly number[]) => ({
  LISTEN_GRPC: `127.0.0.1:${grpc}`,
  LISTEN_HTTP: `127.0.0.1:${http}`,
  LISTEN_HEALTH: `127.0.0.1:${health}`,
  LISTEN_METRICS: String(metrics),
})

test('the agent sends this host and what it is sent to the collector, with the name of the host', async () => {
  const [next, ...own] = (await freePorts(5)) as [number, ...number[]]
  const backend = await Telegen.start(sink(next))
  const yaml = await exampleIn('agent.yaml', { ...listening(own), OTEL_EXPORTER_OTLP_ENDPOINT: `127.0.0.1:${next}` })
  const telegen = await Telegen.start(yaml)
  try {
    assert.equal(await post(own[1] as number, '/v1/traces', span('through the agent')), 200)
    assert.equal(await post(own[1] as number, '/v1/logs', record('a record')), 200)
    for (const what of ['through the agent', 'a record', 'system.cpu.time'])
      await until(async () => (await stored(backend)).includes(what), `${what} at the collector`)
    assert.match(await stored(backend), /host\.name/)
    const metrics = await fetch(`http://localhost:${own[3]}/metrics`).then((answer) => answer.text())
    assert.match(metrics, /otelcol_exporter_sent_spans/)
  } finally {
    assert.equal(await telegen.stop(), 0)
    await backend.stop()
  }
})

test('the collector sends on what is severe enough, and marks it', async () => {
  const [next, ...own] = (await freePorts(5)) as [number, ...number[]]
  const backend = await Telegen.start(sink(next))
  const endpoint = `http://127.0.0.1:${next + 1}`
  const environment = { ...listening(own), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, HOSTNAME: 'collector-7' }
  const telegen = await Telegen.start(await exampleIn('collector.yaml', environment))
  try {
    await post(own[1] as number, '/v1/logs', record('not severe', 1))
    await post(own[1] as number, '/v1/logs', record('severe', 9))
    await post(own[1] as number, '/v1/traces', span('a span'))
    for (const what of ['"severe"', 'a span'])
      await until(async () => (await stored(backend)).includes(what), `${what} at the backend`)
    assert.doesNotMatch(await stored(backend), /not severe/)
    assert.match(await stored(backend), /telegen\.collector.*collector-7/)
  } finally {
    assert.equal(await telegen.stop(), 0)
    await backend.stop()
  }
})

const inExamples = (...words: string[]) =>
  spawnSync(process.execPath, [MAIN, ...words, '--config', join(ROOT, 'examples/everything.yaml')], {
    encoding: 'utf8',
  })

test('the example of everything has every component that comes with Telegen, prints and draws', async () => {
  const written = parse(await example('everything.yaml')) as Record<string, Record<string, unknown>>
  const printed = inExamples('print-config')
  assert.equal(printed.status, 0, printed.stderr)
  const complete = parse(printed.stdout) as typeof written
  const drawn = inExamples('graph')
  assert.equal(drawn.status, 0, drawn.stderr)
  for (const kind of KINDS) {
    const ids = Object.keys(written[`${kind}s`] ?? {})
    assert.deepEqual(
      new Set(ids.map((id) => id.split('/')[0])),
      new Set(
        builtInCatalog()
          .entries(kind)
          .map(({ type }) => type),
      ),
    )
    assert.deepEqual(Object.keys(complete[`${kind}s`] ?? {}).toSorted(), ids.toSorted())
    if (kind !== 'extension') for (const id of ids) assert.ok(drawn.stdout.includes(id), `${id} is drawn`)
  }
  const { service, extensions, ...others } = written
  for (const id of Object.keys(extensions ?? {}).filter((extension) => !/^(admin|health_check)/.test(extension)))
    assert.match(JSON.stringify(others), new RegExp(`"${id}"`), `${id} is used`)
  assert.deepEqual(new Set(service?.['extensions'] as string[]), new Set(Object.keys(extensions ?? {})))
  assert.doesNotMatch(printed.stdout, /only-for-trials/)
})

/** Of the trace ids 0 to 199 those whose last 56 bits are in the uppermost tenth. */
const SAMPLED = 22

test('the example of everything runs: sampled, counted, by tenant, behind passwords', async () => {
  const [next, outside, tokens, issued, ...own] = (await freePorts(8)) as [number, number, number, number, ...number[]]
  const backend = await Telegen.start(sink(next))
  const yaml = await exampleIn('everything.yaml', {
    ...listening(own),
    LISTEN_OUTSIDE: `127.0.0.1:${outside}`,
    LISTEN_TOKENS: `127.0.0.1:${tokens}`,
    LISTEN_ISSUED: `127.0.0.1:${issued}`,
    ISSUER: 'http://127.0.0.1:1/issuer',
    BACKEND_GRPC: `127.0.0.1:${next}`,
    BACKEND_HTTP: `http://127.0.0.1:${next + 1}`,
    DIRECTORY: 'DIR/everything',
    STORAGE: 'DIR/storage',
  })
  const telegen = await Telegen.start(yaml)
  try {
    const [http] = own.slice(1) as [number]
    for (let trace = 0; trace < 200; trace++) await post(http, '/v1/traces', span('applications', {}, `${trace}`))
    assert.equal(await post(outside, '/v1/traces', span('turned-away')), 401)
    assert.equal(await post(issued, '/v1/traces', span('turned-away')), 401)
    assert.equal(await post(issued, '/v1/traces', span('turned-away'), { authorization: 'Bearer a.b.c' }), 503)
    const authorization = `Basic ${Buffer.from('sender:only-for-trials').toString('base64')}`
    assert.equal(await post(outside, '/v1/traces', span('named'), { authorization, 'x-tenant': 'acme' }), 200)
    for (const what of [
      'applications',
      'ot=th:',
      'span.count.by_service',
      'named',
      'acme',
      'system.cpu.time',
      'resourceProfiles',
      'made up',
    ])
      await until(async () => (await stored(backend)).includes(what), `${what} at the backend`)
    const text = await stored(backend)
    assert.match(text, /"sender\.name"/)
    assert.doesNotMatch(text, /turned-away/)
    const kept = async () => (await stored(backend)).split('"applications"').length - 1
    await until(async () => (await kept()) >= SAMPLED, 'all that is sampled')
    assert.equal(await kept(), SAMPLED)
    const file = join(telegen.directory, 'everything/metrics.jsonl')
    await until(
      async () => (await readFile(file, 'utf8')).includes('otelcol_process_uptime'),
      'own metrics in the file',
    )
  } finally {
    assert.equal(await telegen.stop(), 0)
    await backend.stop()
  }
})

test('the plugin example runs from its own configuration', async () => {
  const [port] = (await freePorts(1)) as [number]
  const yaml = (await example('plugin-udp-lines/telegen.yaml'))
    .replace('./index.js', join(ROOT, 'examples/plugin-udp-lines/index.js'))
    .replace('${env:UDP_PORT:-5140}', String(port))
  const telegen = await Telegen.start(yaml)
  try {
    const { createSocket } = await import('node:dgram')
    const socket = createSocket('udp4')
    await until(async () => {
      socket.send('hello from a plugin\n', port, '127.0.0.1')
      return telegen.output.includes('hello from a plugin')
    }, 'the line to be printed')
    socket.close()
  } finally {
    assert.equal(await telegen.stop(), 0)
  }
})
