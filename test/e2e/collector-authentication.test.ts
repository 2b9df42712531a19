import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { TestBed } from '../../src/testing.ts'
import { findCollector } from '../compare/program.ts'
import { logsRequest } from '../graph/requests.ts'
import { freePort } from '../free-ports.ts'
import { Authority, withoutOpenssl } from '../transport/certificates.ts'
import type { Certificate } from '../transport/certificates.ts'
import { until } from '../transport/until.ts'

const collector = findCollector()
const skip = 'missing' in collector ? collector.missing : withoutOpenssl

/** `bar`, by bcrypt. */
const BCRYPT = '$2y$05$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O'
const PASSWORD = 'bar'

/** The real Collector with this configuration; resolves when it runs. */
async function collecting(yaml: string, folder: string): Promise<Disposable> {
  const file = join(folder, `collector-${Math.random()}.yaml`)
  writeFileSync(file, `${yaml}\n  telemetry: { metrics: { level: none } }\n`)
  const child = spawn((collector as { path: string }).path, ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  try {
    await until(() => log.includes('Everything is ready') || child.exitCode !== null, 'the Collector')
    assert.equal(child.exitCode, null, log)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return { [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

describe('authentication between Telegen and the Collector', { skip }, () => {
  let authority: Authority
  let ours: Certificate
  let folder: string
  before(() => {
    authority = new Authority()
    ours = authority.sign('localhost')
    folder = mkdtempSync(join(tmpdir(), 'telegen-peer-'))
  })
  after(() => {
    authority[Symbol.dispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  const server = () => `tls: { cert_file: ${ours.cert}, key_file: ${ours.key} }`
  const client = () => `tls: { ca_file: ${authority.ca.cert} }`

  test('the Collector sends user and password, and a token, over both transports, and is let in', async () => {
    const [grpc, http, entrance] = [await freePort(), await freePort(), await freePort()]
    const bed = await TestBed.start(`
extensions:
  basicauth: { htpasswd: { inline: "ann:${BCRYPT.replaceAll('$', '$$$$')}" } }
  bearertokenauth: { tokens: [first, second] }
receivers:
  otlp/basic: { protocols: { grpc: { endpoint: "127.0.0.1:${grpc}", auth: { authenticator: basicauth }, ${server()} } } }
  otlp/token: { protocols: { http: { endpoint: "127.0.0.1:${http}", auth: { authenticator: bearertokenauth }, ${server()} } } }
exporters: { test_sink: , test_sink/token: }
service:
  extensions: [basicauth, bearertokenauth]
  pipelines:
    logs/basic: { receivers: [otlp/basic], exporters: [test_sink] }
    logs/token: { receivers: [otlp/token], exporters: [test_sink/token] }`)
    const peer = await collecting(
      `
extensions:
  basicauth: { client_auth: { username: ann, password: ${PASSWORD} } }
  bearertokenauth: { token: second }
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${entrance}" } } } }
exporters:
  otlp_grpc: { endpoint: "localhost:${grpc}", compression: zstd, auth: { authenticator: basicauth }, ${client()} }
  otlp_http: { endpoint: "https://localhost:${http}", compression: snappy, auth: { authenticator: bearertokenauth }, ${client()} }
service:
  extensions: [basicauth, bearertokenauth]
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_grpc, otlp_http] } }`,
      folder,
    )
    try {
      const answer = await fetch(`http://127.0.0.1:${entrance}/v1/logs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(logsRequest('a')),
      })
      assert.equal(answer.status, 200)
      await bed.until(() => bed.sent.length >= 2, 'both deliveries')
      const byBasic = bed.sent.find(({ exporter }) => exporter === 'test_sink')
      assert.equal(byBasic?.origin.auth?.['username'], 'ann')
      assert.equal(bed.metrics.total('telegen.receiver.rejected.requests'), 0)
    } finally {
      peer[Symbol.dispose]()
      await bed.stop()
    }
  })

  test('Telegen sends both, and the Collector lets it in; a wrong one it does not, and says so', async () => {
    const [grpc, http, back] = [await freePort(), await freePort(), await freePort()]
    const peer = await collecting(
      `
extensions:
  basicauth: { htpasswd: { inline: "ann:${BCRYPT.replaceAll('$', '$$$$')}" } }
  bearertokenauth: { token: second }
receivers:
  otlp/basic: { protocols: { grpc: { endpoint: "127.0.0.1:${grpc}", auth: { authenticator: basicauth }, ${server()} } } }
  otlp/token: { protocols: { http: { endpoint: "127.0.0.1:${http}", auth: { authenticator: bearertokenauth }, ${server()} } } }
exporters: { otlp_http: { endpoint: "http://127.0.0.1:${back}" } }
service:
  extensions: [basicauth, bearertokenauth]
  pipelines: { logs: { receivers: [otlp/basic, otlp/token], exporters: [otlp_http] } }`,
      folder,
    )
    const direct = 'sending_queue: { enabled: false }, retry_on_failure: { enabled: false }'
    const start = (password: string, token: string) =>
      TestBed.start(`
extensions:
  basicauth: { client_auth: { username: ann, password: ${password} } }
  bearertokenauth: { token: ${token} }
receivers:
  test_source/grpc:
  test_source/http:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:${back}" } } }
exporters:
  otlp_grpc: { endpoint: "localhost:${grpc}", compression: snappy, auth: { authenticator: basicauth }, ${client()}, ${direct} }
  otlp_http: { endpoint: "https://localhost:${http}", compression: x-snappy-framed, auth: { authenticator: bearertokenauth }, ${client()}, ${direct} }
  test_sink:
service:
  extensions: [basicauth, bearertokenauth]
  pipelines:
    logs/grpc: { receivers: [test_source/grpc], exporters: [otlp_grpc] }
    logs/http: { receivers: [test_source/http], exporters: [otlp_http] }
    logs/back: { receivers: [otlp], exporters: [test_sink] }`)
    const send = (bed: TestBed, source: string) =>
      bed.send('logs', logsRequest('a'), { source: `test_source/${source}` })
    try {
      const bed = await start(PASSWORD, 'second')
      try {
        await send(bed, 'grpc')
        await send(bed, 'http')
        await bed.requests(2)
      } finally {
        await bed.stop()
      }
      const stranger = await start('wrong', 'first')
      try {
        await assert.rejects(send(stranger, 'grpc'), { code: 'unauthenticated', message: /invalid credentials/ })
        await assert.rejects(send(stranger, 'http'), { code: 'unauthenticated', message: /does not match expected/ })
      } finally {
        await stranger.stop()
      }
    } finally {
      peer[Symbol.dispose]()
    }
  })
})
