import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { Agent, createServer, get, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext as Test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { logs } from '../../src/data/builders/logs.ts'
import { freePorts } from '../free-ports.ts'
import { Telegen } from './telegen.ts'

const PATIENCE = 30_000
const isLinux = process.platform === 'linux'
const skip = isLinux ? false : 'several processes share an address on Linux alone'

interface Ports {
  readonly grpc: number
  readonly http: number
  readonly metrics: number
  readonly backend: number
}

interface Variant {
  readonly limit?: number
  readonly exporter?: string
  readonly exporters?: string
  readonly plugins?: string
}

const config = (ports: Ports, { limit = 1_000_000, exporter = '', exporters = '', plugins = '' }: Variant = {}) => `
${plugins}
receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:${ports.grpc}" }
      http: { endpoint: "127.0.0.1:${ports.http}", max_request_body_size: ${limit} }
exporters:
  otlp_http:
    endpoint: "http://127.0.0.1:${ports.backend}"
    compression: none
    retry_on_failure: { initial_interval: 50ms }
    ${exporter}
  ${exporters === '' ? '' : `${exporters}: { fail: ${limit === 666} }`}
service:
  workers: 3
  telemetry: { metrics: { readers: [ { pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${ports.metrics} } } } } ] } }
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_http${exporters && `, ${exporters}`}] } }
`

const bodyOf = (name: string) => logs({}).record({ body: name }).finish().segments()[0] as Buffer

/** A backend that knows how often each record came. */
class Sink {
  readonly seen = new Map<string, number>()
  delay = 0
  readonly #server = createServer((incoming, answer) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      for (const [name] of Buffer.concat(chunks)
        .toString('latin1')
        .matchAll(/record \d+\./g))
        this.seen.set(name, (this.seen.get(name) ?? 0) + 1)
      setTimeout(() => answer.end(), this.delay)
    })
  })

  static async open(t: Test): Promise<Sink & { readonly port: number }> {
    const sink = new Sink()
    sink.#server.listen(0, '127.0.0.1')
    await once(sink.#server, 'listening')
    t.after(() => {
      sink.#server.close()
      sink.#server.closeAllConnections()
    })
    return Object.assign(sink, { port: (sink.#server.address() as AddressInfo).port })
  }

  async has(names: readonly string[]): Promise<void> {
    const missing = () => names.filter((name) => !this.seen.has(name))
    await until(
      () => missing().length === 0,
      () => `${missing().length} of ${names.length} records`,
    )
  }
}

async function until(condition: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (const end = performance.now() + PATIENCE; !(await condition());) {
    if (performance.now() > end) throw new Error(`waited for ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Resolves to the status, and to 0 where the connection broke. */
const post = (port: number, name: string, agent: Agent | false = false) =>
  new Promise<number>((resolve) => {
    const headers = { 'content-type': 'application/x-protobuf' }
    request({ host: '127.0.0.1', port, path: '/v1/logs', method: 'POST', headers, agent }, (answer) =>
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0)),
    )
      .on('error', () => resolve(0))
      .end(bodyOf(name))
  })

const METHOD = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const same = (bytes: Buffer) => bytes

/** Clients of gRPC, each with a connection of its own. */
function channels(t: Test, port: number, count: number): ((name: string) => Promise<number>)[] {
  const own = { 'grpc.use_local_subchannel_pool': 1 }
  return Array.from({ length: count }, () => {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), own)
    t.after(() => client.close())
    return (name) =>
      new Promise((resolve) =>
        client.makeUnaryRequest(METHOD, same, same, bodyOf(name), (error) => resolve(error ? 0 : 200)),
      )
  })
}

const metrics = (port: number) =>
  new Promise<string>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/metrics', agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => (text += part))
      answer.on('end', () => resolve(text))
    }).on('error', reject)
  })

const valueOf = (text: string, name: string): number =>
  [...text.matchAll(new RegExp(`^${name}(?:{[^}]*})? ([\\d.e+]+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  )

const workersOf = ({ pid }: Telegen): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

async function started(t: Test, variant?: Variant): Promise<{ telegen: Telegen; sink: Sink; ports: Ports }> {
  const sink = await Sink.open(t)
  const [grpcPort, http, own] = (await freePorts(3)) as [number, number, number]
  const ports = { grpc: grpcPort, http, metrics: own, backend: sink.port }
  const telegen = await Telegen.start(config(ports, variant))
  t.after(() => telegen.kill('SIGKILL'))
  return { telegen, sink, ports }
}

const totalOf = (text: string, key: string): number =>
  [...text.matchAll(new RegExp(`"${key}": ?(\\d+)`, 'g'))].reduce((sum, [, count]) => sum + Number(count), 0)
const times = (text: string, part: string) => text.split(part).length - 1
const write = ({ directory }: Telegen, text: string) => writeFile(join(directory, 'telegen.yaml'), text)

async function reload(telegen: Telegen, ending: string): Promise<void> {
  const before = times(telegen.output, ending)
  telegen.kill('SIGHUP')
  await until(
    () => times(telegen.output, ending) > before,
    () => `"${ending}" in\n${telegen.output}`,
  )
}

describe('workers', { skip }, () => {
  test('serve connections of gRPC and HTTP, and tell of themselves as one', async (t) => {
    const { telegen, sink, ports } = await started(t)
    assert.match(telegen.output, /Several processes share the work.*"processes":3,"pipelines":\["logs"\]/)
    assert.equal(workersOf(telegen).length, 2)
    const agents = Array.from({ length: 12 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    t.after(() => agents.forEach((agent) => agent.destroy()))
    const senders = [
      ...channels(t, ports.grpc, 12),
      ...agents.map((agent) => (name: string) => post(ports.http, name, agent)),
    ]
    const names = Array.from({ length: 480 }, (_, index) => `record ${index}.`)
    const statuses = await Promise.all(names.map((name, index) => senders[index % senders.length]!(name)))
    assert.deepEqual([...new Set(statuses)], [200])
    await sink.has(names)
    assert.equal(sink.seen.size, names.length)
    assert.ok([...sink.seen.values()].every((count) => count === 1))
    let text = ''
    const sent = () => valueOf(text, 'otelcol_exporter_sent_log_records')
    // The backend has the last one before its answer is back.
    await until(
      async () => {
        text = await metrics(ports.metrics)
        return sent() >= names.length
      },
      () => `${sent()} of ${names.length} records sent`,
    )
    assert.equal(sent(), names.length)
    assert.equal(valueOf(text, 'otelcol_receiver_accepted_log_records'), names.length)
    assert.equal(valueOf(text, 'telegen_worker_processes'), 3)
    // What is the program's own is shared out, not multiplied.
    assert.ok(valueOf(text, 'telegen_budget_limit') < (256 + 128 + 256 + 64 + 1) * 2 ** 20)
    assert.equal(await telegen.stop(), 0)
  })

  test('lose nothing over twenty reloads under load', async (t) => {
    const { telegen, sink, ports } = await started(t)
    const answers: Promise<number>[] = []
    const overGrpc = channels(t, ports.grpc, 6)
    let isSending = true
    const send = () => {
      const name = `record ${answers.length}.`
      // Every other over a connection of its own, the rest over those that are there.
      const channel = answers.length % 2 === 0 ? undefined : overGrpc[(answers.length >> 1) % overGrpc.length]
      answers.push(channel?.(name) ?? post(ports.http, name))
      if (isSending) setTimeout(send, 2)
    }
    send()
    for (let count = 1; count <= 20; count++) {
      await write(telegen, config(ports, { limit: 1_000_000 + count }))
      await reload(telegen, 'The new configuration is in effect')
    }
    isSending = false
    const statuses = await Promise.all(answers)
    assert.deepEqual([...new Set(statuses)], [200])
    await sink.has(statuses.map((_, index) => `record ${index}.`))
    assert.equal(await telegen.stop(), 0)
  })

  test('are started again when one is killed, while the others serve; what was acknowledged as delivered is there', async (t) => {
    // Without a queue, a sender is answered when the backend has taken it.
    const { telegen, sink, ports } = await started(t, { exporter: 'sending_queue: { enabled: false }' })
    const agents = Array.from({ length: 12 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    t.after(() => agents.forEach((agent) => agent.destroy()))
    let next = 0
    let isSending = true
    const acknowledged: string[] = []
    const sender = async (agent: Agent) => {
      while (isSending) {
        const name = `record ${next++}.`
        if ((await post(ports.http, name, agent)) === 200) acknowledged.push(name)
      }
    }
    const senders = agents.map(sender)
    await until(
      () => acknowledged.length > 100,
      () => 'answers',
    )
    const accepted = 'otelcol_receiver_accepted_log_records'
    const before = valueOf(await metrics(ports.metrics), accepted)
    const [victim] = workersOf(telegen) as [number]
    process.kill(victim, 'SIGKILL')
    await until(
      () => telegen.output.includes('A worker has ended unexpectedly'),
      () => 'its end in the log',
    )
    assert.ok(valueOf(await metrics(ports.metrics), accepted) >= before, 'counts do not fall')
    const then = acknowledged.length
    await until(
      () => acknowledged.length > then + 100,
      () => 'answers of the others',
    )
    await until(
      () => telegen.output.includes('A worker is there again'),
      () => 'the next worker',
    )
    isSending = false
    await Promise.all(senders)
    assert.deepEqual(
      acknowledged.filter((name) => !sink.seen.has(name)),
      [],
    )
    const after = await metrics(ports.metrics)
    assert.equal(valueOf(after, 'telegen_worker_restarts'), 1)
    assert.equal(valueOf(after, 'telegen_worker_processes'), 3)
    assert.ok(!workersOf(telegen).includes(victim))
    assert.equal(await telegen.stop(), 0)
  })

  test('all go back to the old configuration when one cannot start the new one', async (t) => {
    // Fails in the worker that comes first.
    const plugin = `
      import { writeFileSync } from 'node:fs'
      import { defineExporter, Options, Type } from 'telegen/plugin'
      const fail = Type.Boolean({ default: false, description: 'Whether it fails.' })
      export default defineExporter({
        type: 'picky', summary: 'Fails to start once.', stability: { logs: 'development' }, scale: 'replica',
        config: Options({ fail }),
        create: ({ config }) => ({
          async start() {
            if (!config.fail || !process.send) return
            try { writeFileSync(new URL('failed', import.meta.url), '', { flag: 'wx' }) } catch { return }
            throw new Error('not here')
          },
          async send() {},
        }),
      })`
    const sink = await Sink.open(t)
    const [grpcPort, http, own] = (await freePorts(3)) as [number, number, number]
    const ports = { grpc: grpcPort, http, metrics: own, backend: sink.port }
    const variant = { exporters: 'picky', plugins: 'plugins: [./picky.mjs]' }
    const telegen = await Telegen.start(config(ports, variant), {
      async prepare(directory, yaml) {
        await writeFile(join(directory, 'picky.mjs'), plugin)
        await writeFile(join(directory, 'telegen.yaml'), yaml)
      },
    })
    t.after(() => telegen.kill('SIGKILL'))
    await write(telegen, config(ports, { ...variant, limit: 666 }))
    await reload(telegen, 'The new configuration could not be started; the old one is back')
    assert.match(telegen.output, /failed to start \\?"picky\\?" exporter: not here/)
    const names = Array.from({ length: 30 }, (_, index) => `record ${index}.`)
    // The new one would refuse what is longer than its 666 bytes.
    const statuses = await Promise.all(names.map((name) => post(ports.http, name.padEnd(1000, '.'))))
    assert.deepEqual([...new Set(statuses)], [200])
    await sink.has(names)
    await write(telegen, config(ports, { ...variant, limit: 2_000_000 }))
    await reload(telegen, 'The new configuration is in effect')
    assert.equal(await telegen.stop(), 0)
  })

  test('come and go with what can be copied', async (t) => {
    const { telegen, sink, ports } = await started(t)
    const pinned = config(ports).replace('exporters: [otlp_http]', 'exporters: [otlp_http, file]')
    await write(
      telegen,
      pinned
        .replace('exporters:\n', 'exporters:\n  file: { path: DIR/out.json }\n')
        .replaceAll('DIR', telegen.directory),
    )
    await reload(telegen, 'The new configuration is in effect')
    await until(
      () => workersOf(telegen).length === 0,
      () => 'the end of the workers',
    )
    assert.equal(await post(ports.http, 'record 1.'), 200)
    await write(telegen, config(ports))
    await reload(telegen, 'The new configuration is in effect')
    assert.equal(workersOf(telegen).length, 2)
    const names = Array.from({ length: 30 }, (_, index) => `record ${index}.`)
    assert.deepEqual([...new Set(await Promise.all(names.map((name) => post(ports.http, name))))], [200])
    await sink.has(names)
    assert.equal(await telegen.stop(), 0)
    assert.doesNotMatch(telegen.output, /unexpectedly/)
  })

  test('send what they hold when the program is stopped', async (t) => {
    const { telegen, sink, ports } = await started(t)
    sink.delay = 300
    const names = Array.from({ length: 60 }, (_, index) => `record ${index}.`)
    await Promise.all(names.map((name) => post(ports.http, name)))
    assert.equal(await telegen.stop(), 0)
    await sink.has(names)
  })

  test('end when the first process is gone', async (t) => {
    const { telegen } = await started(t)
    const workers = workersOf(telegen)
    telegen.kill('SIGKILL')
    const isThere = (pid: number) => {
      try {
        return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
      } catch {
        return false
      }
    }
    await until(
      () => !workers.some(isThere),
      () => 'the end of the workers',
    )
  })

  test('do not share their addresses with another Telegen', async (t) => {
    const { telegen, ports } = await started(t)
    const other = config({ ...ports, metrics: ports.backend })
    await assert.rejects(Telegen.start(other.replace(/readers: .*/, 'readers: [] } }')), /bind: address already in use/)
    assert.equal(await telegen.stop(), 0)
  })
})

const watched = (ports: Ports, admin: number) =>
  config(ports)
    .replace('receivers:', `extensions: { admin: { endpoint: "127.0.0.1:${admin}" } }\nreceivers:`)
    .replace('service:', 'service:\n  extensions: [admin]')

interface Status {
  readonly components: readonly { readonly id: string; readonly state: string }[]
  readonly budgets: readonly { readonly signal: string; readonly used: number; readonly limit: number }[]
  readonly queues: readonly { readonly exporter: string; readonly size: number }[]
}

describe('an operator of several processes', { skip }, () => {
  test('sees all of them as one: what waits, who is in trouble, what passes; and stops them all at once', async (t) => {
    const [grpcPort, http, own, dead, admin] = (await freePorts(5)) as [number, number, number, number, number]
    const ports = { grpc: grpcPort, http, metrics: own, backend: dead }
    const telegen = await Telegen.start(watched(ports, admin))
    t.after(() => telegen.kill('SIGKILL'))
    const page = async (path: string) => (await fetch(`http://127.0.0.1:${admin}${path}`)).text()
    const status = async () => JSON.parse(await page('/status')) as Status
    const looking = new AbortController()
    t.after(() => looking.abort())
    let tapped = ''
    const tap = await fetch(`http://127.0.0.1:${admin}/tap?target=logs&limit=1000`, { signal: looking.signal })
    assert.equal(tap.status, 200, tap.ok ? '' : await tap.text())
    const reading = (async () => {
      for await (const part of tap.body as ReadableStream<Uint8Array>) tapped += Buffer.from(part).toString()
    })().catch(() => {})
    const names = Array.from({ length: 40 }, (_, index) => `record ${index}.`)
    await Promise.all(names.map((name) => post(http, name)))
    await until(
      async () => (await status()).queues.reduce((sum, { size }) => sum + size, 0) > 0,
      () => 'queues',
    )
    // A second has room for so much looking; what was not looked into is told.
    const all = () => times(tapped, 'record ') + totalOf(tapped, 'skipped') + totalOf(tapped, 'lost')
    await until(
      () => all() === names.length,
      () => `all records in the tap: ${tapped}`,
    )
    looking.abort()
    await reading
    await until(
      async () => (await status()).components.some(({ id, state }) => id === 'otlp_http' && state !== 'ok'),
      () => 'trouble',
    )
    const { budgets } = await status()
    const logsBudget = budgets.find(({ signal }) => signal === 'logs')
    assert.ok(logsBudget && logsBudget.used > 0 && logsBudget.limit <= 256 * 2 ** 20)
    assert.match(await page('/plan?format=text'), /in 3 processes/)
    telegen.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 700))
    assert.doesNotMatch(telegen.output, /Stopped/, 'all still drain')
    assert.equal(await telegen.stop(), 0)
    const dropped = [...telegen.output.matchAll(/Dropping data\..*"items":(\d+)/g)].map(([, items]) => Number(items))
    assert.equal(
      dropped.reduce((sum, items) => sum + items, 0),
      names.length,
    )
  })
})

describe('service::workers', () => {
  test('is a number from 1 on, or auto', () => {
    const main = process.env['TELEGEN_MAIN'] ?? 'dist/cli/main.js'
    const validated = (workers: string) => {
      const yaml = `yaml:{ receivers: { nop: }, exporters: { nop: }, service: { workers: ${workers}, pipelines: { logs: { receivers: [nop], exporters: [nop] } } } }`
      const { status, stderr } = spawnSync(process.execPath, [main, 'validate', '--config', yaml], { encoding: 'utf8' })
      return status === 0 ? 'good' : stderr
    }
    assert.match(validated('0'), /'service\.workers' must be positive/)
    assert.match(validated('-1'), /'service\.workers' must be positive/)
    assert.match(validated('1.5'), /service\.workers/)
    assert.match(validated('many'), /workers is a number from 1 to 256, or auto, not "many"/)
    assert.equal(validated('auto'), 'good')
    assert.equal(validated('4'), 'good')
  })
})
