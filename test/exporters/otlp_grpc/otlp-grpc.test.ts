import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import type { ExporterContext } from '../../../src/component/context.ts'
import { UNKNOWN_ORIGIN } from '../../../src/component/delivery.ts'
import { Refused } from '../../../src/component/refused.ts'
import { batchOf } from '../../../src/data/batch.ts'
import { merge } from '../../../src/data/kernels/merge.ts'
import definition from '../../../src/exporters/otlp_grpc/index.ts'
import type { OtlpGrpcOptions } from '../../../src/exporters/otlp_grpc/options.ts'
import { GRPC_PATHS } from '../../../src/transport/otlp-paths.ts'
import { encodeRpcStatus } from '../../../src/transport/rpc-status.ts'
import { TestContext } from '../../component/test-context.ts'
import { configured, faultsOf } from '../../transport/configured.ts'
import { spans } from '../../receivers/otlp/payload.ts'
import { disposing } from '../../transport/disposing.ts'

const same = (bytes: Buffer) => bytes

async function backend(handle: grpc.handleUnaryCall<Buffer, Buffer>) {
  const server = new grpc.Server()
  for (const path of Object.values(GRPC_PATHS)) server.register(path, handle, same, same, 'unary')
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return { target: `127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => server.forceShutdown() }
}

async function exporter(yaml: string) {
  const config = configured(definition, yaml)
  const context = Object.assign(new TestContext('otlp_grpc', config), {
    signals: ['traces'],
  }) as unknown as ExporterContext<OtlpGrpcOptions>
  const made = definition.create(context)
  await made.start?.()
  const send = async (batch = batchOf('traces', 1, spans('a')), abort = new AbortController().signal) =>
    made.send(batch, { abort, cancellation: abort, origin: UNKNOWN_ORIGIN })
  return { send, [Symbol.asyncDispose]: async () => made.stop?.(AbortSignal.abort()) }
}

async function refusal(sending: Promise<unknown>): Promise<Refused> {
  const outcome = await sending.catch((error: unknown) => error)
  assert.ok(outcome instanceof Refused, `no refusal: ${String(outcome)}`)
  return outcome
}

describe('The otlp_grpc exporter', () => {
  test('calls the method of the signal with the joined bytes of the batch, and its headers', async (t) => {
    const seen: { path: string; body: Buffer; key: unknown }[] = []
    const peer = disposing(
      t,
      await backend((call, respond) => {
        seen.push({ path: call.getPath(), body: call.request, key: call.metadata.get('api-key')[0] })
        respond(null, Buffer.alloc(0))
      }),
    )
    const otlp = disposing(
      t,
      await exporter(`{ endpoint: '${peer.target}', tls: { insecure: true }, headers: { api-key: s3cret } }`),
    )
    const parts = [spans('a'), spans('b')]
    assert.equal(await otlp.send(merge(parts.map((part) => batchOf('traces', 1, part)))), undefined)
    assert.equal(seen[0]!.path, GRPC_PATHS.traces)
    assert.ok(seen[0]!.body.equals(Buffer.concat(parts)))
    assert.equal(seen[0]!.key, 's3cret')
  })

  test('every status becomes the refusal of the table', async (t) => {
    let code = 0
    const peer = disposing(t, await backend((_, respond) => respond({ code, details: 'because' })))
    const otlp = disposing(t, await exporter(`endpoint: http://${peer.target}`))
    for (code = 1; code <= 16; code++)
      assert.equal((await refusal(otlp.send())).retryable, [1, 4, 10, 11, 14, 15].includes(code), `${code}`)
  })

  test('RESOURCE_EXHAUSTED with RetryInfo is tried again when it says', async (t) => {
    const peer = disposing(
      t,
      await backend((_, respond) => {
        const metadata = new grpc.Metadata()
        metadata.set('grpc-status-details-bin', encodeRpcStatus({ code: 8, message: 'full', retryDelay: 3000 }))
        respond({ code: 8, details: 'full', metadata })
      }),
    )
    const otlp = disposing(t, await exporter(`endpoint: http://${peer.target}`))
    assert.deepEqual((await refusal(otlp.send())).retry, { after: 3000 })
  })

  test('reads a partial success', async (t) => {
    const partial = Buffer.from([0x0a, 0x09, 0x08, 0x02, 0x12, 0x05, ...Buffer.from('stale')])
    const peer = disposing(t, await backend((_, respond) => respond(null, partial)))
    const otlp = disposing(t, await exporter(`endpoint: http://${peer.target}`))
    assert.deepEqual(await otlp.send(), { rejected: 2, reason: 'stale' })
  })

  test('a backend that hangs ends with the timeout or the abort', async (t) => {
    const peer = disposing(t, await backend(() => {}))
    const otlp = disposing(t, await exporter(`{ endpoint: 'http://${peer.target}', timeout: 100ms }`))
    assert.equal((await refusal(otlp.send())).code, 'deadline_exceeded')
    assert.equal((await refusal(otlp.send(undefined, AbortSignal.abort()))).code, 'cancelled')
  })

  test('plaintext to a server is refused unless it is asked for', async (t) => {
    const peer = disposing(t, await backend((_, respond) => respond(null, Buffer.alloc(0))))
    const otlp = disposing(t, await exporter(`{ endpoint: '${peer.target}', timeout: 2s }`))
    assert.ok((await refusal(otlp.send())).retryable)
  })
})

describe('Options of the otlp_grpc exporter', () => {
  const faults = (yaml: string) => faultsOf(definition, yaml)

  test('an endpoint is needed, with a port', () => {
    assert.deepEqual(faults('{}'), ['endpoint: requires a non-empty "endpoint"'])
    assert.deepEqual(faults('endpoint: http://'), ['endpoint: requires a non-empty "endpoint"'])
    assert.deepEqual(faults('endpoint: backend'), ['endpoint: address backend: missing port in address'])
    assert.deepEqual(faults('endpoint: unix://'), ['endpoint: unix socket path cannot be empty'])
    for (const endpoint of ['a:1', 'http://a:1', 'https://a:1/', 'dns:///a:1', 'unix:///run/x', "'[::1]:4317'"])
      assert.deepEqual(faults(`endpoint: ${endpoint}`), [], endpoint)
  })

  test('what is not there yet is refused by a sentence', () => {
    assert.deepEqual(
      faults(
        '{ endpoint: "a:1", compression: zstd, balancer_name: test, auth: { authenticator: a }, tls: { reload_interval: 1h } }',
      ),
      ['balancer_name: invalid balancer_name: test'],
    )
  })

  test('every key that the Collector has is taken', () => {
    const yaml = `
endpoint: "1.2.3.4:1234"
compression: gzip
tls: { ca_file: /var/lib/mycert.pem, ca_pem: , insecure: false, include_system_ca_certs_pool: true, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], curve_preferences: [X25519, P256] }
timeout: 10s
sending_queue: { enabled: true, num_consumers: 2, queue_size: 10, block_on_overflow: true, wait_for_result: true, sizer: items }
retry_on_failure: { enabled: true, initial_interval: 10s, randomization_factor: 0.7, multiplier: 1.3, max_interval: 60s, max_elapsed_time: 10m }
headers: [{ name: a, value: b }]
keepalive: { time: 20s, timeout: 30s, permit_without_stream: true }
balancer_name: round_robin
wait_for_ready: true
authority: x
user_agent: y
read_buffer_size: 1
write_buffer_size: 1
`
    assert.deepEqual(faults(yaml), [])
  })
})
