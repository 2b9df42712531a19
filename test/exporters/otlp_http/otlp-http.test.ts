import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { describe, test } from 'node:test'
import type { ExporterContext } from '../../../src/component/context.ts'
import { UNKNOWN_ORIGIN } from '../../../src/component/delivery.ts'
import { Refused } from '../../../src/component/refused.ts'
import { batchOf } from '../../../src/data/batch.ts'
import { merge } from '../../../src/data/kernels/merge.ts'
import type { Batch } from '../../../src/data/batch.ts'
import type { Signal } from '../../../src/data/signal.ts'
import definition from '../../../src/exporters/otlp_http/index.ts'
import type { OtlpHttpOptions } from '../../../src/exporters/otlp_http/options.ts'
import { inflate } from '../../../src/transport/inflate.ts'
import { encodeRpcStatus, rpcStatusJson } from '../../../src/transport/rpc-status.ts'
import { TestContext } from '../../component/test-context.ts'
import { configured, faultsOf } from '../../transport/configured.ts'
import { until } from '../../transport/until.ts'
import { spans } from '../../receivers/otlp/payload.ts'
import { disposing } from '../../transport/disposing.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** A backend that does what the test says. */
async function backend(answer: (response: http.ServerResponse, seen: Seen) => void = (response) => response.end()) {
  const seen: Seen[] = []
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('error', () => {})
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      seen.push({ method, url, headers, body: Buffer.concat(parts) })
      answer(response, seen.at(-1)!)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { seen, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop }
}

async function exporter(yaml: string, signals: readonly Signal[] = ['traces']) {
  const config = configured(definition, yaml)
  const context = Object.assign(new TestContext('otlp_http', config), { signals }) as ExporterContext<OtlpHttpOptions>
  const made = definition.create(context)
  await made.start?.()
  const send = async (batch: Batch = batchOf('traces', 1, spans('a')), abort = new AbortController().signal) =>
    made.send(batch, { abort, cancellation: abort, origin: UNKNOWN_ORIGIN })
  return { send, [Symbol.asyncDispose]: async () => made.stop?.(AbortSignal.abort()) }
}

async function refusal(sending: Promise<unknown>): Promise<Refused> {
  const outcome = await sending.catch((error: unknown) => error)
  assert.ok(outcome instanceof Refused, `no refusal: ${String(outcome)}`)
  return outcome
}

describe('The otlp_http exporter', () => {
  test('posts the bytes of the batch to the path of its signal, with its headers', async (t) => {
    const peer = disposing(t, await backend())
    const otlp = disposing(
      t,
      await exporter(`{ endpoint: '${peer.url}/', headers: { api-key: s3cret }, compression: none }`, [
        'traces',
        'logs',
        'profiles',
      ]),
    )
    const body = spans('a', 'b')
    assert.equal(await otlp.send(batchOf('traces', 2, body)), undefined)
    await otlp.send(batchOf('logs', 1, Buffer.from('logs')))
    await otlp.send(batchOf('profiles', 1, Buffer.from('profiles')))
    assert.deepEqual(
      peer.seen.map(({ url }) => url),
      ['/v1/traces', '/v1/logs', '/v1development/profiles'],
    )
    const [first] = peer.seen
    assert.ok(first!.body.equals(body))
    assert.deepEqual(
      [first!.method, first!.headers['content-type'], first!.headers['api-key']],
      ['POST', 'application/x-protobuf', 's3cret'],
    )
    assert.equal(first!.headers['content-encoding'], undefined)
  })

  test('a header of ours may be written otherwise', async (t) => {
    const peer = disposing(t, await backend())
    const otlp = disposing(
      t,
      await exporter(
        `{ endpoint: '${peer.url}', headers: { User-Agent: mine, Content-Type: application/x-protobuf } }`,
      ),
    )
    await otlp.send()
    const { headers } = peer.seen[0]!
    assert.deepEqual([headers['user-agent'], headers['content-type']], ['mine', 'application/x-protobuf'])
  })

  test('joins the segments of a batch', async (t) => {
    const peer = disposing(t, await backend())
    const otlp = disposing(t, await exporter(`{ endpoint: '${peer.url}', compression: none }`))
    const parts = [spans('a'), spans('b'), spans('c')]
    await otlp.send(merge(parts.map((part) => batchOf('traces', 1, part))))
    assert.ok(peer.seen[0]!.body.equals(Buffer.concat(parts)))
  })

  for (const compression of ['gzip', 'zstd', 'zlib', 'deflate', 'snappy', 'x-snappy-framed'])
    test(`compresses by ${compression}`, async (t) => {
      const peer = disposing(t, await backend())
      const otlp = disposing(t, await exporter(`{ endpoint: '${peer.url}', compression: ${compression} }`))
      const body = spans(...Array.from({ length: 1000 }, (_, i) => `span ${i}`))
      await otlp.send(batchOf('traces', 1000, body))
      const [{ headers, body: sent }] = peer.seen as [Seen]
      assert.ok(sent.length < body.length / 2)
      assert.ok((await inflate(sent, headers['content-encoding']!, 10_000_000)).equals(body))
    })

  test('compresses by gzip unless told otherwise', async (t) => {
    const peer = disposing(t, await backend())
    const otlp = disposing(t, await exporter(`endpoint: ${peer.url}`))
    await otlp.send()
    assert.equal(peer.seen[0]!.headers['content-encoding'], 'gzip')
  })

  test("a signal's own endpoint is used as it is", async (t) => {
    const peer = disposing(t, await backend())
    const otlp = disposing(
      t,
      await exporter(`{ endpoint: 'http://127.0.0.1:1', traces_endpoint: '${peer.url}/in?key=1' }`),
    )
    await otlp.send()
    assert.equal(peer.seen[0]!.url, '/in?key=1')
  })

  test('an answer from 200 to 299 is success', async (t) => {
    for (const status of [200, 202, 204]) {
      const peer = disposing(t, await backend((response) => response.writeHead(status).end()))
      const otlp = disposing(t, await exporter(`endpoint: ${peer.url}`))
      assert.equal(await otlp.send(), undefined)
    }
  })

  test('statuses that may pass are told from those that never will', async (t) => {
    let status = 0
    const peer = disposing(t, await backend((response) => response.writeHead(status).end('nope')))
    const otlp = disposing(t, await exporter(`endpoint: ${peer.url}`))
    for (status of [429, 502, 503, 504]) assert.deepEqual((await refusal(otlp.send())).retry, {}, `${status}`)
    for (status of [301, 307, 400, 401, 403, 404, 405, 408, 413, 415, 422, 500, 501, 505])
      assert.equal((await refusal(otlp.send())).retry, 'never', `${status}`)
  })

  test('waits as long as Retry-After says, in seconds or until a date', async (t) => {
    let value = ''
    const peer = disposing(t, await backend((response) => response.writeHead(503, { 'retry-after': value }).end()))
    const otlp = disposing(t, await exporter(`endpoint: ${peer.url}`))
    value = '7'
    assert.deepEqual((await refusal(otlp.send())).retry, { after: 7000 })
    value = new Date(Date.now() + 60_000).toUTCString()
    const { retry } = await refusal(otlp.send())
    assert.ok(retry !== 'never' && retry.after! > 50_000 && retry.after! <= 60_000)
    value = 'soon'
    assert.deepEqual((await refusal(otlp.send())).retry, {})
  })

  test('says what the backend says, in protobuf, JSON or text, on one line', async (t) => {
    let [type, body]: [string, Buffer | string] = ['', '']
    const peer = disposing(t, await backend((response) => response.writeHead(400, { 'content-type': type }).end(body)))
    const otlp = disposing(t, await exporter(`endpoint: ${peer.url}`))
    const told = async () => (await refusal(otlp.send())).message
    ;[type, body] = ['application/x-protobuf', encodeRpcStatus({ code: 3, message: 'bad span' })]
    assert.equal(await told(), `${peer.url}/v1/traces responded with HTTP Status Code 400: bad span`)
    ;[type, body] = ['application/json', rpcStatusJson({ code: 3, message: 'bad record' })]
    assert.match(await told(), /: bad record$/)
    ;[type, body] = ['text/html', '<h1>Bad\r\n gateway</h1>\u0007' + 'x'.repeat(1000)]
    assert.match(await told(), /: <h1>Bad gateway<\/h1> x+$/)
    ;[type, body] = ['application/x-protobuf', 'not protobuf']
    assert.match(await told(), /Status Code 400$/)
  })

  test('reads a partial success', async (t) => {
    const partial = Buffer.from([0x0a, 0x09, 0x08, 0x02, 0x12, 0x05, ...Buffer.from('stale')])
    const peer = disposing(
      t,
      await backend((response) => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(partial)),
    )
    const otlp = disposing(t, await exporter(`endpoint: ${peer.url}`))
    assert.deepEqual(await otlp.send(), { rejected: 2, reason: 'stale' })
  })

  test('reads no more of an answer than 64 KiB', async (t) => {
    const peer = disposing(
      t,
      await backend((response) => {
        response.writeHead(200, { 'content-type': 'text/plain' })
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
          if (!response.destroyed) response.once('drain', more)
        }
        more()
      }),
    )
    const otlp = disposing(t, await exporter(`endpoint: ${peer.url}`))
    assert.equal(await otlp.send(), undefined)
  })

  test('a backend that hangs ends with the abort, before and after the headers', async (t) => {
    for (const hang of [() => {}, (response: http.ServerResponse) => void response.writeHead(200).write('x')]) {
      const peer = disposing(t, await backend(hang))
      const otlp = disposing(t, await exporter(`endpoint: ${peer.url}`))
      const abort = new AbortController()
      const sending = refusal(otlp.send(undefined, abort.signal))
      await until(() => peer.seen.length === 1, 'the request')
      const reason = new Refused('stopped', { code: 'unavailable', retry: {} })
      abort.abort(reason)
      assert.equal(await sending, reason)
    }
  })

  test('a send that waits for a connection ends with the abort', async (t) => {
    const peer = disposing(t, await backend(() => {}))
    const otlp = disposing(t, await exporter(`{ endpoint: '${peer.url}', max_conns_per_host: 1 }`))
    const [first, second] = [new AbortController(), new AbortController()]
    const sending = refusal(otlp.send(undefined, first.signal))
    await until(() => peer.seen.length === 1, 'the request')
    const waiting = refusal(otlp.send(undefined, second.signal))
    second.abort()
    assert.equal((await waiting).code, 'cancelled')
    first.abort()
    assert.equal((await sending).code, 'cancelled')
  })

  test('a connection that breaks in the middle may be tried again', async (t) => {
    const breaker = net.createServer((socket) =>
      socket.once('data', () => socket.resetAndDestroy()).on('error', () => {}),
    )
    await new Promise<void>((resolve) => breaker.listen(0, '127.0.0.1', resolve))
    const { port } = breaker.address() as net.AddressInfo
    const otlp = disposing(t, await exporter(`{ endpoint: 'http://127.0.0.1:${port}', compression: none }`))
    const refused = await refusal(otlp.send(batchOf('traces', 1, Buffer.alloc(3_000_000))))
    assert.deepEqual([refused.code, refused.retry], ['unavailable', {}])
    breaker.close()
  })

  test('nobody there, and no such name, may be tried again, and are named', async (t) => {
    for (const [endpoint, says] of [
      ['http://127.0.0.1:1', /127\.0\.0\.1:1: .*ECONNREFUSED/],
      ['http://nowhere.invalid', /nowhere\.invalid/],
    ] as const) {
      const otlp = disposing(t, await exporter(`endpoint: ${endpoint}`))
      const refused = await refusal(otlp.send())
      assert.deepEqual([refused.code, refused.retry], ['unavailable', {}])
      assert.match(refused.message, says)
    }
  })

  test('an answer before the whole request was sent is heeded', async (t) => {
    const early = net.createServer((socket) => {
      socket
        .on('error', () => {})
        .once('data', () => socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'))
    })
    await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve))
    const { port } = early.address() as net.AddressInfo
    const otlp = disposing(t, await exporter(`{ endpoint: 'http://127.0.0.1:${port}', compression: none }`))
    assert.equal((await refusal(otlp.send(batchOf('traces', 1, Buffer.alloc(20_000_000))))).retry, 'never')
    early.close()
  })

  test('keeps connections, unless told otherwise', async (t) => {
    for (const [yaml, kept] of [
      ['', true],
      [', disable_keep_alives: true', false],
    ] as const) {
      const ports = new Set<number | undefined>()
      const peer = disposing(
        t,
        await backend((response) => (ports.add(response.req.socket.remotePort), response.end())),
      )
      const otlp = disposing(t, await exporter(`{ endpoint: '${peer.url}'${yaml} }`))
      for (let i = 0; i < 3; i++) await otlp.send()
      assert.equal(ports.size, kept ? 1 : 3)
    }
  })

  test('goes through a proxy where it is told to', async (t) => {
    const peer = disposing(t, await backend())
    let passed = 0
    const proxy = http.createServer((request, response) => {
      passed++
      const { method, headers, url = '' } = request
      request.pipe(http.request(url, { method, headers }, (answer) => answer.pipe(response)))
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as net.AddressInfo
    {
      const otlp = disposing(t, await exporter(`{ endpoint: '${peer.url}', proxy_url: 'http://127.0.0.1:${port}' }`))
      await otlp.send()
    }
    assert.equal(peer.seen.length, 1)
    assert.equal(passed, 1)
    proxy.closeAllConnections()
    proxy.close()
  })
})

describe('Options of the otlp_http exporter', () => {
  const faults = (yaml: string) => faultsOf(definition, yaml)

  test('an endpoint is needed, a URL', async () => {
    assert.deepEqual(faults('{}'), [': at least one endpoint must be specified'])
    assert.deepEqual(faults('endpoint: localhost:4318'), [
      'endpoint: "localhost:4318" is not a URL that begins with http:// or https://',
    ])
    assert.deepEqual(faults('{ endpoint: http://x, logs_endpoint: "ftp://x" }'), [
      'logs_endpoint: "ftp://x" is not a URL that begins with http:// or https://',
    ])
    assert.deepEqual(faults('{ endpoint: http://x, proxy_url: "me:pass@proxy:3128" }'), [
      'proxy_url: "[REDACTED]@proxy:3128" is not a URL that begins with http:// or https://',
    ])
    await assert.rejects(exporter('logs_endpoint: http://x'), /either endpoint or traces_endpoint must be specified/)
  })

  test('what is not there yet is refused by a sentence', () => {
    assert.deepEqual(faults('{ endpoint: http://x, encoding: json, compression: lz4, auth: { authenticator: a } }'), [
      'compression: compression lz4 is not available yet',
    ])
    assert.deepEqual(faults('{ endpoint: http://x, compression_params: { level: 11 } }'), [
      'compression_params::level: unsupported parameters {Level:11} for compression type "gzip"',
    ])
  })

  test('headers that no request could carry are named, their values are not', () => {
    assert.deepEqual(faults('{ endpoint: http://x, headers: { "a b": c, key: "s3cret\\n" } }'), [
      'headers: "a b" is not the name of a header',
      'headers: header "key" has characters that no header may have',
    ])
  })

  test('every key that the Collector has is taken', () => {
    const yaml = `
endpoint: https://1.2.3.4:1234
traces_endpoint: https://a/b
tls: { ca_file: /var/lib/mycert.pem, cert_file: certfile, key_file: keyfile, insecure: true, insecure_skip_verify: false, server_name_override: x, min_version: "1.2" }
read_buffer_size: 123
write_buffer_size: 345
sending_queue: { enabled: true, num_consumers: 2, queue_size: 10 }
retry_on_failure: { enabled: true, initial_interval: 10s, randomization_factor: 0.7, multiplier: 1.3, max_interval: 60s, max_elapsed_time: 10m }
headers: { header1: "234", another: somevalue }
compression: gzip
compression_params: { level: 6 }
timeout: 10s
max_idle_conns: 10
max_idle_conns_per_host: 10
max_conns_per_host: 10
idle_conn_timeout: 10s
disable_keep_alives: false
force_attempt_http2: true
http2_read_idle_timeout: 1s
http2_ping_timeout: 15s
cookies: { enabled: false }
encoding: proto
proxy_url: http://proxy:3128
`
    assert.deepEqual(faults(yaml), [])
    assert.equal(configured(definition, 'endpoint: http://x').timeout, 30_000)
  })
})
