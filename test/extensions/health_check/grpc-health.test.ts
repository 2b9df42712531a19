import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { describe, test } from 'node:test'
import type { TestContext as Test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import * as grpc from '@grpc/grpc-js'
import { decodeRequest, encodeResponse, SERVING } from '../../../src/extensions/health_check/health-messages.ts'
import definition from '../../../src/extensions/health_check/index.ts'
import { healthCheck } from '../../../src/extensions/health_check/health-check.ts'
import type { HealthOptions } from '../../../src/extensions/health_check/options.ts'
import { Services } from '../../../src/extensions/health_check/services.ts'
import { Health as HealthReports } from '../../../src/extensions/health_check/status-report.ts'
import type { ComponentStatus, Host, ServerAuthenticator } from '../../../src/plugin.ts'
import { unauthenticated } from '../../../src/plugin.ts'
import { TestContext } from '../../component/test-context.ts'
import { Authority, withoutOpenssl } from '../../transport/certificates.ts'
import { configured } from '../../transport/configured.ts'
import { disposing } from '../../transport/disposing.ts'
import { END_HEADERS, END_STREAM, frame, grpcHeaders, int32, RawConnection, TYPE } from '../../transport/raw-http2.ts'
import { until } from '../../transport/until.ts'

interface Health {
  check(
    request: { service: string },
    metadata: grpc.Metadata,
    done: (error: Error | null, answer?: Answer) => void,
  ): void
  watch(request: { service: string }): grpc.ClientReadableStream<Answer>
  close(): void
}
interface Answer {
  readonly status: string
}

/** gRPC's own client, by a definition written apart from ours. */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
const method = (name: string, responseStream: boolean) => ({
  path: `/grpc.health.v1.Health/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: ({ service }: { service: string }) =>
    service === '' ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0x0a, service.length), Buffer.from(service)]),
  requestDeserialize: () => ({ service: '' }),
  responseSerialize: () => Buffer.alloc(0),
  responseDeserialize: (bytes: Buffer): Answer => ({ status: STATUSES[bytes[1] ?? 0] as string }),
})
const HealthClient = grpc.makeGenericClientConstructor(
  { check: method('Check', false), watch: method('Watch', true) },
  'Health',
)

const line = (kind: string, id: string, state: ComponentStatus['state'], pipelines: string[], since = 0) => ({
  kind,
  id,
  state,
  pipelines,
  reason: undefined,
  since,
})

async function stage(
  t: Test,
  yaml: string,
  authenticator?: ServerAuthenticator,
  credentials?: grpc.ChannelCredentials,
) {
  const host: Host & { ready: boolean; list: ComponentStatus[] } = {
    ready: true,
    startTime: 0,
    list: [line('receiver', 'otlp', 'ok', ['traces/in', 'logs']), line('exporter', 'x', 'ok', ['traces/in'])],
    statuses: () => host.list,
  }
  const context = Object.assign(new TestContext<HealthOptions>('health_check', configured(definition, yaml)), { host })
  Object.assign(context, { extension: () => authenticator })
  const extension = healthCheck(context)
  await extension.start?.()
  t.after(() => extension.stop?.(AbortSignal.abort()))
  const address = `127.0.0.1:${extension.ports.grpc}`
  const client = new HealthClient(address, credentials ?? grpc.credentials.createInsecure(), {
    'grpc.ssl_target_name_override': 'localhost',
  }) as never as Health
  t.after(() => client.close())
  const check = (service: string, headers: Record<string, string> = {}) =>
    new Promise<string>((resolve, reject) => {
      const metadata = new grpc.Metadata()
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
      client.check({ service }, metadata, (error, answer) => (error ? reject(error) : resolve(answer?.status ?? '')))
    })
  /** What a watch is told, until it ends. */
  const watch = (service: string) => {
    const told: string[] = []
    const stream = client.watch({ service })
    stream.on('data', ({ status }) => told.push(status))
    const ended = new Promise<grpc.ServiceError>((resolve) => stream.on('error', resolve as (error: Error) => void))
    return { told, ended, stream }
  }
  const exporter = (state: ComponentStatus['state'], since = 0) => {
    host.list = [host.list[0] as ComponentStatus, line('exporter', 'x', state, ['traces/in'], since)]
  }
  return { host, check, watch, exporter, extension, clock: context.clock, port: extension.ports.grpc as number }
}

const GRPC = "grpc: { endpoint: '127.0.0.1:0' }"

describe('health_check over gRPC', () => {
  test('tells of the whole, of pipelines and extensions, and of nothing else', async (t) => {
    const { check, host } = await stage(t, GRPC)
    for (const service of ['', 'traces/in', 'logs', 'live', 'ready']) assert.equal(await check(service), 'SERVING')
    const unknown = { code: grpc.status.NOT_FOUND, details: 'Service not found.' }
    for (const service of ['traces', 'none', 'extensions']) await assert.rejects(check(service), unknown)
    host.list.push(line('extension', 'health_check', 'ok', []))
    assert.equal(await check('extensions'), 'SERVING')
  })

  test('a dead backend turns "ready" red alone; what is not running is not serving', async (t) => {
    const { check, exporter } = await stage(t, GRPC)
    const states = async () => Promise.all(['live', 'ready', '', 'traces/in', 'logs'].map((service) => check(service)))
    exporter('recoverable_error')
    assert.deepEqual(await states(), ['SERVING', 'NOT_SERVING', 'SERVING', 'SERVING', 'SERVING'])
    for (const state of ['starting', 'stopping', 'stopped', 'fatal_error', 'none'] as const) {
      exporter(state)
      assert.deepEqual((await states()).slice(2), ['NOT_SERVING', 'NOT_SERVING', 'SERVING'], state)
    }
  })

  test('before everything is ready, and from the stop on, "ready" is not serving', async (t) => {
    const { check, host } = await stage(t, GRPC)
    host.ready = false
    assert.equal(await check('ready'), 'NOT_SERVING')
    assert.equal(await check('live'), 'SERVING')
  })

  test('errors count as component_health says', async (t) => {
    const counted = 'include_recoverable_errors: true, include_permanent_errors: true, recovery_duration: 10s'
    const { check, exporter, clock } = await stage(t, `${GRPC}\ncomponent_health: { ${counted} }`)
    exporter('recoverable_error', clock.now())
    assert.equal(await check('traces/in'), 'SERVING')
    await clock.advance(10_000)
    assert.equal(await check('traces/in'), 'NOT_SERVING')
    exporter('permanent_error', clock.now())
    assert.equal(await check(''), 'NOT_SERVING')
    assert.equal(await check('logs'), 'SERVING')
  })

  test('a watch is told at once and whenever it changes, not oftener', async (t) => {
    const { watch, exporter, clock, host } = await stage(t, GRPC)
    const ready = watch('ready')
    const later = watch('metrics')
    await until(() => ready.told.length === 1 && later.told.length === 1, 'the first states')
    await clock.advance(5000)
    exporter('recoverable_error')
    await clock.advance(500)
    await until(() => ready.told.length === 2, 'the backend to be dead')
    exporter('ok')
    host.list.push(line('receiver', 'x', 'ok', ['metrics']))
    await clock.advance(500)
    await until(() => ready.told.length === 3 && later.told.length === 2, 'the backend to be back')
    assert.deepEqual(ready.told, ['SERVING', 'NOT_SERVING', 'SERVING'])
    assert.deepEqual(later.told, ['SERVICE_UNKNOWN', 'SERVING'])
  })

  test('nothing is looked at once nobody watches', async (t) => {
    const { watch, clock } = await stage(t, GRPC)
    const watches = [watch(''), watch('')]
    await until(() => watches.every(({ told }) => told.length === 1), 'the first states')
    assert.equal(clock.waiting, 1)
    for (const { stream } of watches) stream.cancel()
    await until(() => clock.waiting === 0, 'the watches to end')
  })

  test('at the stop watches are told so, and connections end', async (t) => {
    const { watch, extension, check } = await stage(t, GRPC)
    const { told, ended } = watch('')
    await until(() => told.length === 1, 'the first state')
    await extension.stop?.(AbortSignal.abort())
    const { code, details } = await ended
    assert.deepEqual([code, details], [grpc.status.CANCELLED, 'Server shutting down.'])
    await assert.rejects(check(''), { code: grpc.status.UNAVAILABLE })
  })

  test('watches are bounded: of a connection by its streams', async (t) => {
    const { watch } = await stage(t, "grpc: { endpoint: '127.0.0.1:0', max_concurrent_streams: 4 }")
    const watches = Array.from({ length: 6 }, () => watch(''))
    const told = () => watches.filter((each) => each.told.length === 1).length
    await until(() => told() === 4, 'as many as may')
    watches[0]?.stream.cancel()
    await until(() => told() === 5, 'the next')
  })

  test('with an authenticator nobody else is answered', async (t) => {
    const authenticator: ServerAuthenticator = {
      challenge: '',
      authenticate(headers) {
        if (headers.get('authorization')?.[0] !== 'right') throw unauthenticated('not you')
        return undefined
      },
    }
    const yaml = "grpc: { endpoint: '127.0.0.1:0', auth: { authenticator: basicauth } }"
    const { check, watch } = await stage(t, yaml, authenticator)
    assert.equal(await check('', { authorization: 'right' }), 'SERVING')
    await assert.rejects(check(''), { code: grpc.status.UNAUTHENTICATED, details: 'not you' })
    assert.equal((await watch('').ended).code, grpc.status.UNAUTHENTICATED)
  })

  test('answers over TLS', { skip: withoutOpenssl }, async (t) => {
    const authority = disposing(t, new Authority())
    const { cert, key } = authority.sign('health')
    const yaml = `grpc: { endpoint: '127.0.0.1:0', tls: { cert_file: ${cert}, key_file: ${key} } }`
    const credentials = grpc.credentials.createSsl(readFileSync(authority.ca.cert))
    const { check } = await stage(t, yaml, undefined, credentials)
    assert.equal(await check('live'), 'SERVING')
  })

  test('watches are bounded over all connections', () => {
    const host: Host = { ready: true, startTime: 0, statuses: () => [] }
    const context = Object.assign(new TestContext<HealthOptions>('health_check', configured(definition, GRPC)), {
      host,
    })
    const services = new Services(context, new HealthReports(host, undefined))
    const watcher = () => ({ changed() {}, closed() {} })
    const stop = services.watch('live', watcher())
    for (let more = 1; more < 1024; more++) assert.ok(services.watch('live', watcher()))
    assert.equal(services.watch('live', watcher()), undefined)
    stop?.()
    assert.ok(services.watch('live', watcher()))
    services.close()
  })

  test('other methods, broken and huge requests are refused, and it goes on', async (t) => {
    const { port, check } = await stage(t, GRPC)
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
    t.after(() => client.close())
    const raw = (name: string, bytes: Buffer) =>
      new Promise<grpc.ServiceError | null>((resolve) => {
        const same = (value: Buffer) => value
        client.makeUnaryRequest(`/grpc.health.v1.Health/${name}`, same, same, bytes, (error) => resolve(error))
      })
    assert.equal((await raw('List', Buffer.alloc(0)))?.code, grpc.status.UNIMPLEMENTED)
    assert.equal((await raw('Check', Buffer.of(0x0a, 200)))?.code, grpc.status.INVALID_ARGUMENT)
    assert.equal((await raw('Check', Buffer.alloc(5000)))?.code, grpc.status.RESOURCE_EXHAUSTED)
    const silent = net.connect(port, '127.0.0.1')
    silent.write('GET / HTTP/1.1\r\n\r\n')
    t.after(() => silent.destroy())
    assert.equal(await check(''), 'SERVING')
  })
})

test('requests of grpc.health.v1 are read with whatever else is in them', () => {
  assert.equal(decodeRequest(Buffer.alloc(0)), '')
  assert.equal(decodeRequest(Buffer.from('0a026162', 'hex')), 'ab')
  assert.equal(decodeRequest(Buffer.from('100119000000000000000025000000000a01610a0162', 'hex')), 'b')
  for (const broken of ['0a', '0a02', '08', '19', 'ffffffffffff', '0b', '0a0261'])
    assert.throws(() => decodeRequest(Buffer.from(broken, 'hex')), RangeError, broken)
  assert.deepEqual(encodeResponse(SERVING), Buffer.from('0801', 'hex'))
})

describe('health_check over gRPC, flooded', () => {
  const PATH = '/grpc.health.v1.Health/Check'
  const many = (one: (at: number) => Buffer) => Buffer.concat(Array.from({ length: 1000 }, (_, at) => one(at)))
  const FLOODS: Readonly<Record<string, (round: number) => Buffer>> = {
    PING: () => many(() => frame(TYPE.ping, 0, 0, Buffer.alloc(8))),
    PRIORITY: () => many(() => frame(TYPE.priority, 0, 1, Buffer.alloc(5))),
    'headers that lack what they must have': (round) =>
      many((at) => frame(TYPE.headers, END_HEADERS | END_STREAM, 2000 * round + 2 * at + 1, Buffer.from([0x83]))),
    'checks that are reset': (round) =>
      many((at) => {
        const stream = 2000 * round + 2 * at + 1
        const headers = frame(TYPE.headers, END_HEADERS, stream, grpcHeaders(PATH))
        return Buffer.concat([headers, frame(TYPE.reset, 0, stream, int32(8))])
      }),
  }
  for (const [what, more] of Object.entries(FLOODS))
    test(`ends a connection that floods it with ${what}`, async (t) => {
      const { port } = await stage(t, 'grpc: { endpoint: 127.0.0.1:0 }')
      const flood = disposing(t, new RawConnection(port))
      const began = performance.now()
      for (let round = 0; !flood.closed; round++) {
        assert.ok(performance.now() - began < 10_000, 'the flood goes on')
        await flood.write(more(round))
        await setImmediate()
      }
    })

  test('ends a connection that pings more often than it may, as the receivers do', async (t) => {
    const { port } = await stage(t, GRPC)
    const client = disposing(t, new RawConnection(port))
    for (let ping = 0; ping < 5; ping++) await client.write(frame(TYPE.ping, 0, 0, Buffer.alloc(8)))
    await until(() => client.closed, 'the end')
    assert.equal(client.goaway, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
  })
})
