import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import https from 'node:https'
import { after, describe, test } from 'node:test'
import type { ComponentStatus } from '../../../src/plugin.ts'
import definition from '../../../src/extensions/health_check/index.ts'
import { faults } from '../../../src/extensions/health_check/options.ts'
import type { HealthConfig } from '../../../src/extensions/health_check/options.ts'
import { healthServer } from '../../../src/extensions/health_check/server.ts'
import { TestContext } from '../../component/test-context.ts'
import { Authority, withoutOpenssl } from '../../transport/certificates.ts'
import { configured, faultsOf } from '../../transport/configured.ts'
import { disposing } from '../../transport/disposing.ts'

const CONFIG: HealthConfig = { endpoint: '127.0.0.1:0', path: '/', response_body: {} }
const SINCE = Date.UTC(2026, 0, 2, 3, 4, 5)

const started: { stop?(deadline: AbortSignal): Promise<void> }[] = []
after(() => Promise.all(started.map(async (server) => server.stop?.(AbortSignal.abort()))))

/** A server over a host that a test changes. */
async function stage(options: Partial<HealthConfig> = {}) {
  const host = {
    ready: true,
    startTime: Date.UTC(2026, 0, 1),
    list: [
      status('receiver', 'otlp', 'ok', ['traces', 'logs']),
      status('exporter', 'otlp_http', 'ok', ['traces']),
      status('extension', 'health_check', 'ok', []),
    ],
    statuses(): readonly ComponentStatus[] {
      return this.list
    },
  }
  const context = Object.assign(new TestContext('health_check', { ...CONFIG, ...options }), { host })
  const server = healthServer(context)
  await server.start?.()
  started.push(server)
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    const text = await response.text()
    const isJson = response.headers.get('content-type') === 'application/json'
    return { code: response.status, body: isJson && text ? (JSON.parse(text) as never) : text }
  }
  return { host, get, server }
}

function status(
  kind: string,
  id: string,
  state: ComponentStatus['state'],
  pipelines: readonly string[],
  reason?: string,
): ComponentStatus {
  return { kind, id, state, pipelines, reason, since: SINCE }
}

const down = status('exporter', 'otlp_http', 'recoverable_error', ['traces'], 'connect ECONNREFUSED')

describe('health_check', () => {
  test('answers over TLS with the certificate that it is given', { skip: withoutOpenssl }, async (t) => {
    const authority = disposing(t, new Authority())
    const { cert, key } = authority.sign('health')
    const { tls } = configured(definition, `tls: { cert_file: ${cert}, key_file: ${key} }`)
    const { server } = await stage(tls ? { tls } : {})
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    const secure = { port: server.port, ca: readFileSync(authority.ca.cert), servername: 'localhost' }
    https.get(secure, (response) => resolve(response.resume().statusCode)).on('error', reject)
    assert.equal(await promise, 200)
    await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`))
  })

  test('answers 200 at its path from ready until the stop, else 503', async () => {
    const { host, get } = await stage()
    assert.equal((await get('/')).code, 200)
    host.ready = false
    assert.deepEqual(await get('/'), {
      code: 503,
      body: { status: 'Server not available', upSince: '0001-01-01T00:00:00Z', uptime: '' },
    })
  })

  test('stays green at its path, and at /live, with a dead backend', async () => {
    const { host, get } = await stage()
    host.list = [down]
    assert.equal((await get('/')).code, 200)
    assert.deepEqual(await get('/live'), { code: 200, body: { status: 'Server available' } })
  })

  test('turns red at /ready with a dead backend, and names it', async () => {
    const { host, get } = await stage()
    assert.deepEqual(await get('/ready'), { code: 200, body: { ready: true, running: true, components: {} } })
    host.list = [...host.list, down]
    const { code, body } = await get('/ready')
    assert.equal(code, 503)
    assert.deepEqual(body, {
      ready: false,
      running: true,
      components: {
        'exporter:otlp_http': {
          state: 'recoverable_error',
          reason: 'connect ECONNREFUSED',
          since: '2026-01-02T03:04:05.000Z',
        },
      },
    })
  })

  test('answers at another path, with other texts', async () => {
    const { host, get } = await stage({ path: '/health', response_body: { healthy: 'fine', unhealthy: 'not fine' } })
    assert.deepEqual(await get('/health'), { code: 200, body: 'fine' })
    host.ready = false
    assert.deepEqual(await get('/health'), { code: 503, body: 'not fine' })
    assert.equal((await get('/')).code, 404)
  })

  test('answers /status as the healthcheckv2 extension of the Collector does', async () => {
    const { host, get } = await stage()
    host.list = [
      status('receiver', 'otlp', 'ok', ['traces', 'logs']),
      down,
      status('extension', 'health_check', 'ok', []),
    ]
    const ok = { healthy: true, status: 'StatusOK', status_time: '2026-01-02T03:04:05.000Z' }
    const bad = { ...ok, healthy: false, status: 'StatusRecoverableError', error: 'connect ECONNREFUSED' }
    const start_time = '2026-01-01T00:00:00.000Z'
    assert.deepEqual(await get('/status'), { code: 200, body: { start_time, ...bad } })
    assert.deepEqual((await get('/status?verbose')).body, {
      start_time,
      ...bad,
      components: {
        extensions: { ...ok, components: { 'extension:health_check': ok } },
        'pipeline:traces': { ...bad, components: { 'receiver:otlp': ok, 'exporter:otlp_http': bad } },
        'pipeline:logs': { ...ok, components: { 'receiver:otlp': ok } },
      },
    })
    assert.deepEqual((await get('/status?pipeline=logs')).body, { start_time, ...ok })
    assert.equal((await get('/status?pipeline=none')).code, 404)
  })

  for (const [state, code] of [
    ['starting', 503],
    ['stopping', 503],
    ['permanent_error', 200],
    ['fatal_error', 500],
  ] as const) {
    test(`answers ${code} at /status while a component is in ${state}`, async () => {
      const { host, get } = await stage()
      host.list = [...host.list, status('receiver', 'x', state, ['logs'])]
      assert.equal((await get('/status')).code, code)
    })
  }

  test('takes nothing but GET and HEAD', async () => {
    const { get } = await stage()
    assert.equal((await get('/', { method: 'POST', body: 'x' })).code, 405)
    assert.deepEqual(await get('/', { method: 'HEAD' }), { code: 200, body: '' })
  })

  test('survives a path that is none', async () => {
    const { server, get } = await stage()
    const code = await new Promise((resolve, reject) => {
      request({ port: server.port, path: '//', host: '127.0.0.1' }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    assert.equal(code, 400)
    assert.equal((await get('/')).code, 200)
  })

  test('fails to start where its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const address = taken.address() as { port: number }
    const endpoint = `127.0.0.1:${address.port}`
    await assert.rejects(stage({ endpoint }), { message: `listen tcp ${endpoint}: bind: address already in use` })
    taken.close()
  })

  test('closes its connections when stopped', async () => {
    const { server, get } = await stage()
    await get('/')
    await server.stop?.(AbortSignal.abort())
    assert.equal(server.port, undefined)
  })

  test('refuses what is not built and what is no endpoint', () => {
    const messages = (options: Partial<HealthConfig>) =>
      [...faults({ ...CONFIG, ...options })].map(({ message }) => message)
    assert.deepEqual(messages({}), [])
    assert.deepEqual(messages({ endpoint: '[::1]:13133' }), [])
    assert.match(
      faultsOf(definition, 'tls: {}')[0] ?? '',
      /tls: TLS configuration must include both certificate and key/,
    )
    assert.deepEqual(messages({ check_collector_pipeline: { enabled: false, interval: '5m' } }), [])
    assert.match(messages({ check_collector_pipeline: { enabled: true } })[0] ?? '', /is not built/)
    assert.deepEqual(messages({ endpoint: 'nowhere' }), ['"nowhere" is no endpoint'])
    assert.deepEqual(messages({ path: 'health' }), ['path must start with /'])
  })
})
