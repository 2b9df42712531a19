import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import https from 'node:https'
import { after, describe, test } from 'node:test'
import type { ComponentStatus, Host } from '../../../src/plugin.ts'
import definition from '../../../src/extensions/health_check/index.ts'
import { healthCheck } from '../../../src/extensions/health_check/health-check.ts'
import type { HealthOptions } from '../../../src/extensions/health_check/options.ts'
import { TestContext } from '../../component/test-context.ts'
import { Authority, withoutOpenssl } from '../../transport/certificates.ts'
import { configured, faultsOf } from '../../transport/configured.ts'
import { disposing } from '../../transport/disposing.ts'

const SINCE = Date.UTC(2026, 0, 2, 3, 4, 5)

const started: { stop?(deadline: AbortSignal): Promise<void> }[] = []
after(() => Promise.all(started.map(async (server) => server.stop?.(AbortSignal.abort()))))

/** A server over a host that a test changes. */
async function stage(yaml = '') {
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
    control: undefined as Host['control'],
  }
  const local = yaml.includes('http:') ? yaml : `endpoint: 127.0.0.1:0\n${yaml}`
  const context = Object.assign(new TestContext<HealthOptions>('health_check', configured(definition, local)), { host })
  const server = healthCheck(context)
  await server.start?.()
  started.push(server)
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${server.ports.http}${path}`, init)
    const text = await response.text()
    const isJson = response.headers.get('content-type') === 'application/json'
    return { code: response.status, body: isJson && text ? (JSON.parse(text) as never) : text }
  }
  return { host, get, server, clock: context.clock }
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
    const { server } = await stage(`tls: { cert_file: ${cert}, key_file: ${key} }`)
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    const secure = { port: server.ports.http, ca: readFileSync(authority.ca.cert), servername: 'localhost' }
    https.get(secure, (response) => resolve(response.resume().statusCode)).on('error', reject)
    assert.equal(await promise, 200)
    await assert.rejects(fetch(`http://127.0.0.1:${server.ports.http}/`))
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
    const { host, get } = await stage('path: /health\nresponse_body: { healthy: fine, unhealthy: not fine }')
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
    const ok = { healthy: true, status: 'StatusOK', status_time: '2026-01-02T03:04:05.000Z', attributes: {} }
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
      request({ port: server.ports.http, path: '//', host: '127.0.0.1' }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    assert.equal(code, 404)
    assert.equal((await get('/')).code, 200)
  })

  test('fails to start where its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const address = taken.address() as { port: number }
    const endpoint = `127.0.0.1:${address.port}`
    await assert.rejects(stage(`http: { endpoint: '${endpoint}' }`), {
      message: `listen tcp ${endpoint}: bind: address already in use`,
    })
    taken.close()
  })

  test('closes its connections when stopped', async () => {
    const { server, get } = await stage()
    await get('/')
    await server.stop?.(AbortSignal.abort())
    await assert.rejects(get('/'))
  })

  test('refuses what is not built and what is no endpoint', () => {
    const messages = (yaml: string) => faultsOf(definition, yaml)
    assert.deepEqual(messages('{}'), [])
    assert.deepEqual(messages('endpoint: "[::1]:13133"'), [])
    assert.match(messages('tls: {}')[0] ?? '', /tls: TLS configuration must include both certificate and key/)
    assert.deepEqual(messages('check_collector_pipeline: { enabled: false, interval: 5m }'), [])
    assert.match(messages('check_collector_pipeline: { enabled: true }')[0] ?? '', /is not built/)
    assert.equal(messages('endpoint: nowhere').length, 1)
    assert.deepEqual(messages('path: health'), ['path: path must start with /'])
    assert.match(messages('path: /ready')[0] ?? '', /is taken/)
  })
})

describe('health_check with the options of the second version', () => {
  const http = (more = '') => `http: { endpoint: '127.0.0.1:0', ${more} }`

  test('answers at the paths that it is told, and at /live and /ready', async () => {
    const { get, host } = await stage(http('status: { path: /health/status }'))
    assert.equal((await get('/health/status')).code, 200)
    assert.deepEqual(await get('/'), { code: 404, body: { error: 'try /live /ready /health/status' } })
    assert.equal((await get('/status')).code, 404)
    assert.equal((await get('/config')).code, 404)
    host.list = [down]
    assert.equal((await get('/health/status')).code, 200)
    assert.equal((await get('/live')).code, 200)
    assert.equal((await get('/ready')).code, 503)
  })

  test('answers nothing about the status where that is switched off', async () => {
    const { get } = await stage(http('status: { enabled: false }'))
    assert.equal((await get('/status')).code, 404)
  })

  test('shows the configuration that is in effect as JSON, as it is now', async () => {
    const { get, host } = await stage(http('config: { enabled: true }'))
    assert.equal((await get('/config')).code, 503)
    let endpoint = 'a:4317'
    host.control = {
      configuration: async () => `exporters:\n  otlp_grpc:\n    endpoint: ${endpoint}\n`,
    } as Host['control']
    assert.deepEqual(await get('/config'), { code: 200, body: { exporters: { otlp_grpc: { endpoint: 'a:4317' } } } })
    endpoint = 'b:4317'
    assert.match(JSON.stringify((await get('/config')).body), /b:4317/)
  })

  test('errors count for the status as component_health says, as in the Collector', async () => {
    const permanent = status('exporter', 'x', 'permanent_error', ['traces'], 'no')
    const since = (state: ComponentStatus['state'], at: number) => ({ ...down, state, since: at })
    const cases = [
      ['include_permanent_errors: true', () => permanent, 500, false],
      ['include_permanent_errors: false', () => permanent, 200, true],
      ['include_recoverable_errors: true', (now: number) => since('recoverable_error', now - 299_999), 200, true],
      ['include_recoverable_errors: true', (now: number) => since('recoverable_error', now - 300_000), 500, false],
      [
        'recovery_duration: 0s, include_recoverable_errors: true',
        (now: number) => since('recoverable_error', now),
        500,
        false,
      ],
      ['include_recoverable_errors: false', (now: number) => since('recoverable_error', now - 1e6), 200, true],
      ['include_permanent_errors: true', (now: number) => since('fatal_error', now), 500, false],
      ['include_permanent_errors: true', (now: number) => since('starting', now), 503, true],
    ] as const
    for (const [counted, bad, code, healthy] of cases) {
      const { get, host, clock } = await stage(`${http()}\ncomponent_health: { ${counted} }`)
      host.list = [...host.list, bad(clock.now())]
      const answer = await get('/status?pipeline=traces')
      assert.deepEqual([answer.code, (answer.body as never as { healthy: boolean }).healthy], [code, healthy], counted)
    }
  })

  test('a pipeline that is well stays green beside one that is not', async () => {
    const { get, host } = await stage(`${http()}\ncomponent_health: { include_permanent_errors: true }`)
    host.list = [...host.list, status('exporter', 'x', 'permanent_error', ['logs'], 'no')]
    assert.equal((await get('/status?pipeline=logs')).code, 500)
    assert.equal((await get('/status?pipeline=traces')).code, 200)
    assert.equal((await get('/status?pipeline=extensions')).code, 200)
    assert.equal((await get('/status')).code, 500)
  })

  test('of several states it tells the one that the Collector tells', async () => {
    const at = (state: ComponentStatus['state'], seconds: number, reason?: string) => ({
      ...status('exporter', `${state}${seconds}`, state, ['traces'], reason),
      since: SINCE + seconds * 1000,
    })
    const told = async (counted: string, ...list: ComponentStatus[]) => {
      const { get, host } = await stage(`${http()}\ncomponent_health: { ${counted} }`)
      host.list = list
      const { status: name, error, status_time } = (await get('/status')).body as never as Record<string, string>
      return [name, error, (Date.parse(status_time as string) - SINCE) / 1000]
    }
    const both = [
      at('recoverable_error', 1, 'r'),
      at('permanent_error', 2, 'p'),
      at('permanent_error', 3, 'q'),
      at('ok', 9),
    ]
    assert.deepEqual(await told('', ...both), ['StatusPermanentError', 'p', 2])
    assert.deepEqual(await told('include_recoverable_errors: true', ...both), ['StatusRecoverableError', 'r', 1])
    assert.deepEqual(await told('', ...both, at('starting', 4)), ['StatusStarting', undefined, 9])
    assert.deepEqual(await told('', ...both, at('fatal_error', 5, 'f')), ['StatusFatalError', 'f', 5])
    assert.deepEqual(await told('', at('ok', 1), at('stopped', 2)), ['StatusStopping', undefined, 2])
    assert.deepEqual(await told('', at('stopped', 1), at('stopped', 2)), ['StatusStopped', undefined, 2])
    assert.deepEqual(await told('', at('ok', 1), at('ok', 2)), ['StatusOK', undefined, 2])
  })

  test('what cannot be answered is a fault', () => {
    const messages = (yaml: string) => faultsOf(definition, yaml)
    assert.deepEqual(messages('use_v2: true'), ['use_v2: must specify at least one protocol'])
    assert.deepEqual(messages('use_v2: true\nhttp:\ngrpc:'), [])
    assert.deepEqual(messages('http: { status: { path: health } }'), ['http::status::path: path must start with /'])
    assert.match(messages('http: { status: { path: /ready } }')[0] ?? '', /is taken/)
    assert.match(
      messages('http: { config: { enabled: true, path: /status } }')[0] ?? '',
      /http::config::path: .*is taken/,
    )
    assert.deepEqual(messages('http: { config: { path: /status } }'), [])
    assert.equal(messages('grpc: { endpoint: nowhere }').length, 1)
    assert.deepEqual(definition.listens?.(configured(definition, 'grpc:')), ['tcp://localhost:13132'])
    assert.deepEqual(definition.listens?.(configured(definition, '{}')), ['tcp://localhost:13133'])
  })
})
