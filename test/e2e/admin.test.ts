import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request as plain } from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Authority, withoutOpenssl } from '../transport/certificates.ts'
import { until } from '../transport/until.ts'
import { Telegen } from './telegen.ts'
import { freePorts } from '../free-ports.ts'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

interface Asking {
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

async function ask(url: string, { method = 'GET', body, headers = {} }: Asking = {}) {
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) })
  return { code: response.status, text: await response.text() }
}

const span = (name: string, attributes: object[] = []) =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        scopeSpans: [{ spans: [{ traceId: '5'.repeat(32), spanId: '6'.repeat(16), name, attributes }] }],
      },
    ],
  })

const config = (admin: number, otlp: number, processors = '[resource, batch]') => `
extensions: { admin: { endpoint: "127.0.0.1:${admin}" } }
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${otlp}" } } } }
processors:
  batch: { timeout: 10ms }
  resource: { attributes: [{ key: stage, value: test, action: upsert }] }
exporters: { nop: }
service:
  extensions: [admin]
  telemetry: { metrics: { readers: [] } }
  pipelines: { traces: { receivers: [otlp], processors: ${processors}, exporters: [nop] } }
`

/** Sends spans until the returned function is called. */
function load(otlp: number, name: string): () => Promise<void> {
  let going = true
  const headers = { 'content-type': 'application/json', authorization: 'Bearer hunter2-sender' }
  const run = (async () => {
    while (going) {
      await ask(`http://127.0.0.1:${otlp}/v1/traces`, { method: 'POST', body: span(name), headers })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  return () => ((going = false), run)
}

/** `telegen tap` until it has said `enough`, and Ctrl-C then. */
async function tapped(words: readonly string[], enough: (stdout: string) => boolean) {
  const child = spawn(process.execPath, [MAIN, 'tap', ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const told = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (told.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (told.stderr += text))
  try {
    await until(() => enough(told.stdout) || child.exitCode !== null, `the tap ${words.join(' ')}`)
    const exited = child.exitCode === null ? once(child, 'exit') : undefined
    child.kill('SIGINT')
    await exited
    return { ...told, code: child.exitCode }
  } finally {
    child.kill('SIGKILL')
  }
}

describe('a running Telegen', () => {
  test('hands out what print-config prints, reloads what is changed, and names what is wrong with it', async () => {
    const [admin = 0, other = 0, otlp = 0] = await freePorts(3)
    const telegen = await Telegen.start(config(admin, otlp))
    const file = join(telegen.directory, 'telegen.yaml')
    const at = `http://127.0.0.1:${admin}`
    try {
      const printed = () =>
        spawnSync(process.execPath, [MAIN, 'print-config', '--config', file], { encoding: 'utf8' }).stdout
      assert.equal((await ask(`${at}/config`)).text, printed())

      await writeFile(file, (await readFile(file, 'utf8')).replace('timeout: 10ms', 'timeout: 10 apples'))
      const refused = await ask(`${at}/-/reload`, { method: 'POST' })
      assert.equal(refused.code, 422)
      assert.match(
        (JSON.parse(refused.text) as { faults: string[] }).faults.join(),
        /telegen\.yaml:\d+:\d+: .*10 apples/,
      )
      assert.notEqual((await ask(`${at}/config`)).text, '')

      await writeFile(file, config(admin, otlp, '[batch]'))
      const reloaded = await ask(`${at}/-/reload`, { method: 'POST' })
      assert.equal(reloaded.code, 200, reloaded.text)
      assert.equal((JSON.parse(reloaded.text) as { outcome: string }).outcome, 'reloaded')
      assert.equal((await ask(`${at}/config`)).text, printed())
      const status = JSON.parse((await ask(`${at}/status`)).text) as { last_reload: { outcome: string } }
      assert.equal(status.last_reload.outcome, 'reloaded')

      // What asks is changed by what it asks for, and is answered all the same.
      await writeFile(file, config(other, otlp, '[batch]'))
      assert.equal((await ask(`${at}/-/reload`, { method: 'POST' })).code, 200)
      assert.equal((await ask(`http://127.0.0.1:${other}/log-level`)).code, 200)
      await assert.rejects(ask(`${at}/log-level`))

      assert.equal((await ask(`http://127.0.0.1:${other}/log-level`, { method: 'PUT', body: 'debug' })).code, 200)
      const stopped = JSON.parse((await ask(`http://127.0.0.1:${other}/status`)).text) as { log_level: string }
      assert.equal(stopped.log_level, 'debug')
    } finally {
      assert.equal(await telegen.stop(), 0)
    }
  })

  test('is tapped from the command line', async () => {
    const [admin = 0, otlp = 0] = await freePorts(2)
    const telegen = await Telegen.start(config(admin, otlp))
    const stop = load(otlp, 'GET /cart')
    const endpoint = ['--endpoint', `127.0.0.1:${admin}`]
    try {
      const text = await tapped(['batch', ...endpoint, '--side', 'out', '--filter', 'stage=test'], (out) =>
        out.includes('\n'),
      )
      assert.match(text.stdout, /^traces batch→nop GET \/cart 5{32} 6{16} 0 ms \{service\.name=shop stage=test\}\n/)
      assert.match(text.stderr, /^# traces: batch → nop\n/)
      assert.equal(text.code, 0)

      const json = await tapped(['traces', ...endpoint, '--output', 'json', '--limit', '1'], (out) =>
        out.includes('\n'),
      )
      const record = JSON.parse(json.stdout.split('\n')[0] ?? '') as Record<string, never>
      assert.deepEqual(Object.keys(record), ['pipeline', 'from', 'to', 'signal', 'resource', 'record'])

      const none = await tapped(['trace', ...endpoint], () => false)
      assert.equal(none.code, 1)
      assert.match(none.stderr, /^Error: there is no pipeline or component "trace", did you mean "traces"\?/)
      const usage = spawnSync(process.execPath, [MAIN, 'tap'], { encoding: 'utf8' })
      assert.equal(usage.status, 2)
    } finally {
      await stop()
      assert.equal(await telegen.stop(), 0)
    }
  })

  test('shows what flows on its edges, and what it shows never has a secret in it', async () => {
    const [admin = 0, otlp = 0] = await freePorts(2)
    const telegen = await Telegen.start(`
extensions:
  admin: { endpoint: "127.0.0.1:${admin}", auth: { authenticator: basicauth/operators } }
  basicauth/operators: { htpasswd: { inline: "ann:hunter2-operator" } }
  basicauth: { client_auth: { username: me, password: hunter2-password } }
  bearertokenauth: { token: hunter2-token }
  headers_setter: { headers: [{ action: upsert, key: x-key, value: hunter2-header }] }
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${otlp}", include_metadata: true } } } }
exporters:
  otlp_http:
    endpoint: http://user:hunter2-url@127.0.0.1:1
    headers: { authorization: Bearer hunter2-static }
    auth: { authenticator: bearertokenauth }
    retry_on_failure: { enabled: false }
    sending_queue: { enabled: false }
  otlp_grpc: { endpoint: "127.0.0.1:1", tls: { insecure: true }, headers: { x-api-key: hunter2-grpc }, retry_on_failure: { enabled: false }, sending_queue: { enabled: false } }
service:
  extensions: [admin, basicauth/operators, basicauth, bearertokenauth, headers_setter]
  telemetry:
    logs: { level: debug }
    metrics:
      readers:
        - periodic:
            interval: 300
            exporter: { otlp: { protocol: http/protobuf, endpoint: "http://127.0.0.1:1/v1/metrics", headers: [{ name: k, value: hunter2-reader }] } }
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_http, otlp_grpc] } }
`)
    const stop = load(otlp, 'a span')
    const at = `http://127.0.0.1:${admin}`
    const headers = { authorization: `Basic ${Buffer.from('ann:hunter2-operator').toString('base64')}` }
    try {
      await until(() => telegen.output.includes('ECONNREFUSED'), 'trouble at the backend')
      const wrong = `Basic ${Buffer.from('ann:hunter2-wrong').toString('base64')}`
      const refused = await ask(`${at}/status`, { headers: { authorization: wrong } })
      assert.equal(refused.code, 401)
      assert.equal((await ask(`${at}/-/reload`, { method: 'POST' })).code, 401)
      const paths = [
        '/',
        '/status',
        '/config',
        '/plan',
        '/plan?format=text',
        '/plan?format=mermaid',
        '/plan?format=dot',
      ]
      const shown = await Promise.all(paths.map((path) => ask(`${at}${path}`, { headers })))
      const tap = await tapped(
        [
          'otlp',
          '--endpoint',
          `127.0.0.1:${admin}`,
          '--header',
          `Authorization: ${headers.authorization}`,
          '--output',
          'json',
        ],
        (out) => out.includes('\n'),
      )
      assert.deepEqual(
        shown.map(({ code }) => code),
        paths.map(() => 200),
      )
      assert.match(shown[1]?.text ?? '', /ECONNREFUSED/)
      assert.match(shown[2]?.text ?? '', /\[REDACTED\]/)
      assert.match(shown[4]?.text ?? '', /otlp +[\d.]+ spans\/s, [\d.]+ KiB\/s/)
      for (const { text } of [...shown, refused, { text: tap.stdout + tap.stderr }])
        assert.doesNotMatch(text, /hunter2/)
    } finally {
      await stop()
      await telegen.stop()
    }
    assert.doesNotMatch(telegen.output, /hunter2/)
  })

  test('answers over TLS, and on a unix socket', { skip: withoutOpenssl }, async () => {
    const [admin = 0, otlp = 0] = await freePorts(2)
    const authority = new Authority()
    const ours = authority.sign('localhost')
    const telegen = await Telegen.start(
      config(admin, otlp)
        .replace(
          `endpoint: "127.0.0.1:${admin}"`,
          `endpoint: "127.0.0.1:${admin}", tls: { cert_file: ${ours.cert}, key_file: ${ours.key} }`,
        )
        .replace('service:\n  extensions: [admin]', 'service:\n  extensions: [admin, admin/socket]')
        .replace('extensions: {', 'extensions: { admin/socket: { endpoint: DIR/admin.sock, transport: unix },'),
    )
    const codeOf = async (options: object) => {
      const sent = ('ca' in options ? https.get : plain)({ path: '/status', agent: false, ...options })
      if (!('ca' in options)) sent.end()
      const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }]
      response.resume()
      return response.statusCode
    }
    try {
      assert.equal(await codeOf({ host: 'localhost', port: admin, ca: await readFile(authority.ca.cert) }), 200)
      assert.equal(await codeOf({ socketPath: join(telegen.directory, 'admin.sock') }), 200)
      const stop = load(otlp, 'a span')
      const endpoint = `unix:${join(telegen.directory, 'admin.sock')}`
      const { stdout } = await tapped(['traces', '--endpoint', endpoint], (out) => out.includes('\n'))
      assert.match(stdout, /a span/)
      await stop()
    } finally {
      await telegen.stop()
      authority[Symbol.dispose]()
    }
  })
})
