import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loadAddon } from '../../src/native.ts'
import { freePorts } from '../free-ports.ts'
import { Telegen } from './telegen.ts'

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** Why this machine cannot show it. */
function lacking(): string | undefined {
  const loaded = loadAddon()
  if (loaded.kind === 'unavailable') return loaded.reason
  if (process.getuid?.() !== 0) return 'needs root'
  const missing = ['nginx', 'curl'].filter((program) => !has(program))
  return missing.length > 0 ? `needs ${missing.join(' and ')}` : undefined
}

const skip = lacking() ?? false

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAIN = process.env['TELEGEN_MAIN'] ?? join(ROOT, 'dist/cli/main.js')
const PATIENCE = 20_000
const NOBODY = 65534

interface Span {
  readonly name: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
}

interface Seen extends Span {
  readonly resource: Readonly<Record<string, unknown>>
  readonly with: Readonly<Record<string, unknown>>
}

const flat = (attributes: Span['attributes'] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** Every span of the server at this port that was written until now: others on this host serve and ask, too. */
async function spansIn(file: string, port: number): Promise<Seen[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines
    .filter((line) => line.startsWith('{"resourceSpans"'))
    .flatMap((line) => {
      const { resourceSpans } = JSON.parse(line) as {
        resourceSpans: { resource: Pick<Span, 'attributes'>; scopeSpans: { spans: Span[] }[] }[]
      }
      return resourceSpans.flatMap(({ resource, scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) =>
          spans.map((span) => ({ ...span, resource: flat(resource.attributes), with: flat(span.attributes) })),
        ),
      )
    })
    .filter((span) => Number(span.with['server.port']) === port)
}

async function until<T>(look: () => Promise<T | undefined>, what: string, patience = PATIENCE): Promise<T> {
  for (const end = performance.now() + patience; ;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`waited ${patience} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What its tracer counted as lost, by reason. */
async function dropped(port: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const counts = text.matchAll(/^telegen_ebpf_dropped\w*\{.*\breason="(\w+)".*\} (\d+)$/gm)
  return new Map([...counts].map(([, reason, count]) => [reason as string, Number(count)]))
}

const config = (http: string) => `
receivers: { ebpf: { tracers: { http: ${http}, exec: }, include: [{ names: [nginx, curl] }] } }
exporters: { file: { path: DIR/out.jsonl, flush_interval: 20ms } }
service: { pipelines: { traces: { receivers: [ebpf], exporters: [file] }, logs: { receivers: [ebpf], exporters: [file] } } }
`

/** A server of its own, whose answer's status follows from the last digit of the path. */
async function nginx(port: number): Promise<{ stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'telegen-nginx-'))
  await chmod(directory, 0o755)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${directory}/${kind};`,
  )
  const statuses = STATUSES.map((status, digit) => `location ~ ${digit}$ { return ${status} "answer ${digit}"; }`)
  await writeFile(
    join(directory, 'nginx.conf'),
    `daemon off; worker_processes 2; pid ${directory}/pid; error_log ${directory}/errors;
     events { worker_connections 512; }
     http { access_log off; keepalive_requests 1000000; ${temporary.join(' ')}
       server { listen 127.0.0.1:${port}; ${statuses.join(' ')} } }`,
  )
  const child = spawn('nginx', ['-c', join(directory, 'nginx.conf'), '-p', directory], { stdio: 'ignore' })
  process.once('exit', () => child.kill('SIGTERM'))
  await until(async () => ((await answers(port)) ? true : undefined), 'nginx')
  return {
    async stop() {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const STATUSES = [200, 201, 202, 403, 404, 409, 410, 500, 502, 503] as const

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** `requests` requests over `connections` connections that stay open; what each asks for is unlike all others: they are numbered from `first` on. */
async function keepAlive(port: number, requests: number, connections: number, first = 0): Promise<void> {
  let next = first
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      await once(socket, 'connect')
      for (let number = next++; number < first + requests; number = next++) {
        socket.write(`GET /item/${number} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
        let answer = ''
        while (!/\r\n\r\nanswer \d$/.test(answer)) answer += String((await once(socket, 'data'))[0])
        assert.match(answer, new RegExp(`answer ${number % 10}$`))
      }
      socket.destroy()
    }),
  )
}

const CURL = ['-s', '-o', '/dev/null', '-w', '%{http_code} %{time_total} %{time_pretransfer}']

const pathOf = ({ with: { 'url.path': path, 'url.full': url } }: Seen) =>
  typeof url === 'string' ? new URL(url).pathname : path
const latencyOf = ({ startTimeUnixNano: start, endTimeUnixNano: end }: Span) =>
  Number(BigInt(end) - BigInt(start)) / 1e9
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number

describe('the receiver ebpf, beside real programs', { skip }, () => {
  test('spans of nginx under curl appear within two seconds, with what curl saw', async () => {
    const [port] = (await freePorts(1)) as [number]
    const server = await nginx(port)
    const telegen = await Telegen.start(config('{ path: full }'))
    try {
      const asked: { path: string; status: number; seconds: number }[] = []
      for (let number = 0; number < 20; number++) {
        const path = `/orders/${number}`
        const { stdout } = await promisify(execFile)('curl', [...CURL, `http://127.0.0.1:${port}${path}`])
        const [status, total, connected] = stdout.split(' ').map(Number) as [number, number, number]
        // Without the connection, which is no part of the request.
        asked.push({ path, status, seconds: total - connected })
      }
      const file = join(telegen.directory, 'out.jsonl')
      const spans = await until(
        async () => {
          const seen = await spansIn(file, port)
          return seen.length >= 40 ? seen : undefined
        },
        'the spans of both sides',
        2_000,
      )
      assert.equal(spans.length, 40)
      const differences: number[] = []
      for (const { path, status, seconds } of asked) {
        const both = spans.filter((span) => pathOf(span) === path)
        const server = both.find(({ kind }) => kind === 2)
        const client = both.find(({ kind }) => kind === 3)
        assert.ok(server && client, `both sides of ${path}`)
        for (const span of [server, client]) {
          assert.equal(span.with['http.request.method'], 'GET')
          assert.equal(Number(span.with['http.response.status_code']), status)
          assert.equal(Number(span.with['server.port']), port)
        }
        assert.equal(server.resource['service.name'], 'nginx')
        assert.equal(client.resource['service.name'], 'curl')
        assert.equal(server.parentSpanId, client.spanId)
        differences.push(Math.abs(latencyOf(client) - seconds) - Math.max(0.0002, seconds / 10))
      }
      // Of each single one this machine decides, which has others to serve.
      assert.ok(median(differences) <= 0, `${median(differences) * 1e6} us beyond what may be`)
    } finally {
      assert.equal(await telegen.stop(), 0)
      await server.stop()
    }
  })

  test('all of 20,000 requests over 64 connections are seen, each with its own answer', async () => {
    const REQUESTS = 20_000
    const [port] = (await freePorts(1)) as [number]
    const server = await nginx(port)
    const telegen = await Telegen.start(config('{ client: false, path: full }'))
    try {
      await keepAlive(port, REQUESTS, 64)
      const file = join(telegen.directory, 'out.jsonl')
      const spans = await until(async () => {
        const seen = await spansIn(file, port)
        return seen.length >= REQUESTS ? seen : undefined
      }, `${REQUESTS} spans`)
      const paths = new Map<unknown, number>()
      for (const span of spans) {
        const path = String(span.with['url.path'])
        paths.set(path, (paths.get(path) ?? 0) + 1)
        assert.equal(Number(span.with['http.response.status_code']), STATUSES[Number(path.at(-1))], path)
      }
      assert.equal(spans.length, REQUESTS)
      assert.equal(paths.size, REQUESTS)
    } finally {
      assert.equal(await telegen.stop(), 0)
      await server.stop()
    }
  })

  test('requests that the ring had no room for are counted, and none of the others is paired wrongly', async () => {
    const [port, metrics] = (await freePorts(2)) as [number, number]
    const server = await nginx(port)
    const telegen = await Telegen.start(`
receivers: { ebpf: { tracers: { http: { client: false, path: full } }, include: [{ names: [nginx] }], ring_size: 2MiB } }
exporters: { file: { path: DIR/out.jsonl, flush_interval: 20ms } }
service:
  telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${metrics} } } } }] } }
  pipelines: { traces: { receivers: [ebpf], exporters: [file] } }
`)
    try {
      const file = join(telegen.directory, 'out.jsonl')
      const numbersFrom = async (first: number) => {
        const spans = await spansIn(file, port)
        const numbers = spans.map((span) => {
          const number = Number(String(span.with['url.path']).split('/').at(-1))
          assert.equal(Number(span.with['http.response.status_code']), STATUSES[number % 10], `${number}`)
          return number
        })
        return new Set(numbers.filter((number) => number >= first))
      }
      const allSeen = (first: number, requests: number) =>
        until(async () => ((await numbersFrom(first)).size === requests ? true : undefined), `${requests} spans`)
      await keepAlive(port, 1_000, 16)
      await allSeen(0, 1_000)
      telegen.kill('SIGSTOP')
      await keepAlive(port, 10_000, 16, 1_000)
      telegen.kill('SIGCONT')
      const missing = async () => 10_000 - (await numbersFrom(1_000)).size
      await until(async () => {
        const counted = [...(await dropped(metrics)).values()].reduce((sum, count) => sum + count, 0)
        return counted > 0 && (await missing()) <= counted ? true : undefined
      }, 'all that are missing to be counted')
      assert.ok((await missing()) > 1_000, 'the ring was too large for this test')
      await keepAlive(port, 5_000, 16, 20_000)
      await allSeen(20_000, 5_000)
    } finally {
      telegen.kill('SIGCONT')
      assert.equal(await telegen.stop(), 0)
      await server.stop()
    }
  })

  test('nothing of it stays in the kernel after a stop', async () => {
    const { addon } = loadAddon() as Extract<ReturnType<typeof loadAddon>, { kind: 'loaded' }>
    const before = new Set(addon.programs().map(({ id }) => id))
    const telegen = await Telegen.start(config('').replace('http: ', 'http: , tcp: , dns: '))
    const loaded = addon.programs().filter(({ id }) => !before.has(id))
    assert.ok(loaded.length > 0)
    assert.equal(await telegen.stop(), 0)
    await until(async () => {
      const left = new Set(addon.programs().map(({ id }) => id))
      return loaded.some(({ id }) => left.has(id)) ? undefined : true
    }, 'the programs to be gone')
  })
})

test(
  'without privileges the agent of the examples starts, says what it cannot do in one line, and does the rest',
  { skip: process.getuid?.() !== 0 && 'needs root, to give it up' },
  async () => {
    const [grpc, http, health, metrics] = (await freePorts(4)) as [number, number, number, number]
    const child = spawn(process.execPath, [MAIN, '--config', join(ROOT, 'examples/agent.yaml')], {
      uid: NOBODY,
      gid: NOBODY,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        LISTEN_GRPC: `127.0.0.1:${grpc}`,
        LISTEN_HTTP: `127.0.0.1:${http}`,
        LISTEN_HEALTH: `127.0.0.1:${health}`,
        LISTEN_METRICS: `${metrics}`,
        OTEL_EXPORTER_OTLP_ENDPOINT: '127.0.0.1:1',
      },
    })
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
    try {
      await until(async () => (said.includes('Everything is ready') ? true : undefined), 'the start')
      const lines = said.split('\n').filter((line) => line.includes('ebpf'))
      assert.equal(lines.length, 1, said)
      assert.match(lines[0] as string, /nothing is traced: .+/)
      const curl = () => execFileSync('curl', ['-s', `http://127.0.0.1:${metrics}/metrics`], { encoding: 'utf8' })
      await until(
        async () => (/receiver_accepted_metric_points.*host_metrics/.test(curl()) ? true : undefined),
        'metrics of the host',
      )
    } finally {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    }
  },
)
