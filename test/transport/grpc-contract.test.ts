import assert from 'node:assert/strict'
import http2 from 'node:http2'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import * as grpc from '@grpc/grpc-js'
import { Compressor } from 'snappy'
import { Options } from '../../src/component/options.ts'
import { Refused } from '../../src/component/refused.ts'
import { grpcClientOptions } from '../../src/transport/grpc-client-options.ts'
import { grpcServerOptions } from '../../src/transport/grpc-server-options.ts'
import { makeUnaryClient, startUnaryServer } from '../../src/transport/grpc.ts'
import { inflate } from '../../src/transport/inflate.ts'
import type { BufferMethod, CallOptions, UnaryServer } from '../../src/transport/unary.ts'
import { encodeRpcStatus } from '../../src/transport/rpc-status.ts'
import { configured } from './configured.ts'
import { quiet } from './quiet.ts'
import { until } from './until.ts'
import { disposing } from './disposing.ts'

const PATH = '/test.Service/Method'
const same = (bytes: Buffer) => bytes
const serverDefinition = { config: Options(grpcServerOptions('127.0.0.1:0')) }
const clientDefinition = { config: Options(grpcClientOptions) }
const NEVER = new AbortController().signal

/** Codings that grpc-js does not know; gRPC's snappy is the framed one. */
const COMPRESS: Readonly<Record<string, (body: Buffer) => Promise<Buffer>>> = {
  zstd: async (body) => zlib.zstdCompressSync(body),
  async snappy(body) {
    const compressor = new Compressor()
    return Buffer.concat([compressor.update(body), await compressor.finish()])
  },
}

async function serve(
  method: BufferMethod | BufferMethod['handle'],
  yaml = '',
): Promise<UnaryServer & AsyncDisposable & { target: string }> {
  const options = configured(serverDefinition, yaml)
  const methods = new Map([[PATH, typeof method === 'function' ? { handle: method } : method]])
  const server = await startUnaryServer(options, { methods, log: quiet })
  const { address } = server
  const target = address.kind === 'tcp' ? `${address.host}:${address.port}` : `unix:${address.path}`
  return { ...server, target, [Symbol.asyncDispose]: () => server.close(AbortSignal.abort()) }
}

interface Answer {
  readonly error: grpc.ServiceError | null
  readonly answer: Buffer | undefined
}

/** A client that knows nothing of ours. */
class RawClient implements Disposable {
  readonly client: grpc.Client
  constructor(target: string, options: grpc.ClientOptions = {}) {
    this.client = new grpc.Client(target, grpc.credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    })
  }
  call(message: Buffer, options: grpc.CallOptions = {}, path = PATH, metadata = new grpc.Metadata()): Promise<Answer> {
    return new Promise((resolve) => {
      this.client.makeUnaryRequest(path, same, same, message, metadata, options, (error, answer) =>
        resolve({ error, answer }),
      )
    })
  }
  [Symbol.dispose]() {
    this.client.close()
  }
}

describe('A unary server', () => {
  test('answers with what the method makes of the message, whatever its size', async (t) => {
    const server = disposing(
      t,
      await serve(async (message) => Buffer.from(message.toString('latin1').toUpperCase(), 'latin1')),
    )
    const raw = disposing(t, new RawClient(server.target))
    for (const size of [0, 1, 16_384, 3_000_000]) {
      const { error, answer } = await raw.call(Buffer.alloc(size, 'a'))
      assert.equal(error, null)
      assert.ok(answer!.equals(Buffer.alloc(size, 'A')))
    }
  })

  test('serves many calls at the same time on one connection', async (t) => {
    const server = disposing(t, await serve(async (message) => message))
    const raw = disposing(t, new RawClient(server.target))
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => raw.call(Buffer.from(`${i}`))))
    answers.forEach(({ answer }, i) => assert.equal(answer?.toString(), `${i}`))
  })

  test('inflates gzip', async (t) => {
    const server = disposing(t, await serve(async (message) => Buffer.from(`${message.length}`)))
    const raw = disposing(
      t,
      new RawClient(server.target, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip }),
    )
    assert.equal((await raw.call(Buffer.alloc(2_000_000, 'x'))).answer?.toString(), '2000000')
  })

  for (const [coding, compress] of Object.entries(COMPRESS))
    test(`inflates ${coding}, into no more than its limit`, async (t) => {
      const server = disposing(
        t,
        await serve(async (message) => Buffer.from(`${message.length}`), 'max_recv_msg_size_mib: 1'),
      )
      const sent = async (body: Buffer) => rawHttp2(server.target, body, { 'grpc-encoding': coding }, 1)
      for (const size of [0, 5, 1_000_000])
        assert.equal((await sent(await compress(Buffer.alloc(size, 'x')))).answer?.toString(), `${size}`)
      assert.equal((await sent(await compress(Buffer.alloc(64 * 2 ** 20)))).status, '8')
      assert.equal((await sent(Buffer.from('not compressed at all'))).status, '13')
      assert.equal((await sent((await compress(Buffer.alloc(5000, 'x'))).subarray(0, -1))).status, '13')
    })

  test('a coding that it does not know is UNIMPLEMENTED', async (t) => {
    const server = disposing(t, await serve(async (message) => message))
    for (const coding of ['brotli', 'constructor', '__proto__']) {
      const { status } = await rawHttp2(server.target, zlib.gzipSync('x'), { 'grpc-encoding': coding }, 1)
      assert.equal(status, '12')
    }
  })

  test('a path without a method is UNIMPLEMENTED', async (t) => {
    const server = disposing(t, await serve(async (message) => message))
    const raw = disposing(t, new RawClient(server.target))
    assert.equal((await raw.call(Buffer.alloc(1), {}, '/other.Service/Method')).error?.code, grpc.status.UNIMPLEMENTED)
  })

  test('says a refusal by its status, and when to come again by RetryInfo', async (t) => {
    const server = disposing(
      t,
      await serve(async () => {
        throw new Refused('the queue is full', { code: 'resource_exhausted', retry: { after: 2500 } })
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    const { error } = await raw.call(Buffer.from('x'))
    assert.equal(error?.code, grpc.status.RESOURCE_EXHAUSTED)
    assert.equal(error?.details, 'the queue is full')
    assert.deepEqual(
      error?.metadata.get('grpc-status-details-bin')[0],
      encodeRpcStatus({ code: 8, message: 'the queue is full', retryDelay: 2500 }),
    )
  })

  test('a refusal may say anything, at any length', async (t) => {
    const said = ['half a pair \ud800', 'grüß\n100 %', 'x'.repeat(100_000)]
    let next = 0
    const server = disposing(
      t,
      await serve(async () => {
        throw new Refused(said[next++]!, { code: 'unavailable', retry: { after: 1 } })
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    assert.equal((await raw.call(Buffer.from('x'))).error?.details, 'half a pair \ufffd')
    assert.equal((await raw.call(Buffer.from('x'))).error?.details, 'grüß\n100 %')
    assert.equal((await raw.call(Buffer.from('x'))).error?.details, 'x'.repeat(1024))
  })

  test('a permanent refusal comes without RetryInfo', async (t) => {
    const server = disposing(
      t,
      await serve(async () => {
        throw new Refused('no such thing', { code: 'invalid_argument', retry: 'never' })
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    const { error } = await raw.call(Buffer.from('x'))
    assert.equal(error?.code, grpc.status.INVALID_ARGUMENT)
    assert.deepEqual(error?.metadata.get('grpc-status-details-bin'), [])
  })

  test('what a method throws is INTERNAL, and the server goes on', async (t) => {
    let calls = 0
    const server = disposing(
      t,
      await serve(async (message) => {
        if (++calls === 1) throw new TypeError('a bug')
        return message
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    assert.equal((await raw.call(Buffer.from('x'))).error?.code, grpc.status.INTERNAL)
    assert.equal((await raw.call(Buffer.from('x'))).error, null)
  })

  test('refuses by the headers before it reads the message', async (t) => {
    let handled = 0
    const server = disposing(
      t,
      await serve({
        refuse: () => new Refused('not now', { code: 'unavailable', retry: {} }),
        handle: async (message) => (handled++, message),
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    assert.equal((await raw.call(Buffer.alloc(3_000_000))).error?.code, grpc.status.UNAVAILABLE)
    assert.equal(handled, 0)
  })

  test('a message over the limit is RESOURCE_EXHAUSTED without RetryInfo, and the connection stays usable', async (t) => {
    const server = disposing(t, await serve(async (message) => message, 'max_recv_msg_size_mib: 1'))
    const raw = disposing(t, new RawClient(server.target))
    const { error } = await raw.call(Buffer.alloc(2 ** 20 + 1))
    assert.equal(error?.code, grpc.status.RESOURCE_EXHAUSTED)
    assert.deepEqual(error?.metadata.get('grpc-status-details-bin'), [])
    assert.equal((await raw.call(Buffer.alloc(2 ** 20))).error, null)
  })

  test('a bomb is RESOURCE_EXHAUSTED, and nothing is handed to the method', async (t) => {
    let handled = 0
    const server = disposing(t, await serve(async (message) => (handled++, message), 'max_recv_msg_size_mib: 1'))
    const raw = disposing(
      t,
      new RawClient(server.target, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip }),
    )
    const { error } = await raw.call(Buffer.alloc(50 * 2 ** 20))
    assert.equal(error?.code, grpc.status.RESOURCE_EXHAUSTED)
    assert.equal(handled, 0)
  })

  test('broken frames and bodies that are no gRPC are answered, never thrown', async (t) => {
    const server = disposing(t, await serve(async (message) => message))
    const broken = await rawHttp2(server.target, Buffer.from('not gzip'), { 'grpc-encoding': 'gzip' }, 1)
    assert.notEqual(broken.status, '0')
    const other = await rawHttp2(server.target, Buffer.from('x'), { 'content-type': 'application/json' }, 0)
    assert.equal(other.http, 415)
    const raw = disposing(t, new RawClient(server.target))
    assert.equal((await raw.call(Buffer.from('x'))).error, null)
  })

  test('tells the method of a client that cancels', async (t) => {
    let aborted = false
    let started = false
    const server = disposing(
      t,
      await serve(async (message, { abort }) => {
        started = true
        await new Promise((resolve) => abort.addEventListener('abort', resolve))
        aborted = true
        return message
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    const call = raw.client.makeUnaryRequest(PATH, same, same, Buffer.from('x'), () => {})
    await until(() => started, 'the call to arrive')
    call.cancel()
    await until(() => aborted, 'the method to be told')
  })

  test('tells the method of a deadline that has passed', async (t) => {
    let aborted = false
    const server = disposing(
      t,
      await serve(async (message, { abort }) => {
        await new Promise((resolve) => abort.addEventListener('abort', resolve))
        aborted = true
        return message
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    const { error } = await raw.call(Buffer.from('x'), { deadline: Date.now() + 50 })
    assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED)
    await until(() => aborted, 'the method to be told')
  })

  test('hands the metadata and the peer to the method', async (t) => {
    let seen: unknown
    const server = disposing(
      t,
      await serve(async (message, call) => {
        seen = { tenant: call.metadata.get('x-tenant'), peer: call.peer, bytes: call.metadata.get('x-bin') }
        return message
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    const metadata = new grpc.Metadata()
    metadata.add('X-Tenant', 'a')
    metadata.add('x-tenant', 'b')
    metadata.add('x-bin', Buffer.from([1, 2, 255]))
    await raw.call(Buffer.from('x'), {}, PATH, metadata)
    const { peer, tenant, bytes } = seen as { peer: string; tenant: string[]; bytes: string[] }
    assert.match(peer, /^127\.0\.0\.1:\d+$/)
    assert.deepEqual(tenant.join(', '), 'a, b')
    assert.deepEqual(bytes, ['AQL/'])
  })

  test('listens on a unix socket, also where a killed process left its file behind', async (t) => {
    const path = join(tmpdir(), `telegen-${process.pid}-${Date.now()}.sock`)
    const yaml = `{ transport: unix, endpoint: ${path} }`
    const left = net.createServer().listen(path)
    await until(() => left.listening, 'the socket')
    await assert.rejects(
      serve(async (message) => message, yaml),
      /listen unix .*: bind: address already in use/,
    )
    await leaveBehind(left, path)
    const server = disposing(t, await serve(async (_, call) => Buffer.from(call.peer), yaml))
    const raw = disposing(t, new RawClient(server.target))
    assert.equal((await raw.call(Buffer.from('x'))).answer?.toString(), 'unix')
  })

  test('an address in use is named', async (t) => {
    const server = disposing(t, await serve(async (message) => message))
    await assert.rejects(
      serve(async (message) => message, `endpoint: ${server.target}`),
      { message: `listen tcp ${server.target}: bind: address already in use` },
    )
  })

  test('closing answers what is under way and takes nothing new', async (t) => {
    let finish = () => {}
    let started = false
    const server = disposing(
      t,
      await serve(async (message) => {
        started = true
        await new Promise<void>((resolve) => (finish = resolve))
        return message
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    const under = raw.call(Buffer.from('x'))
    await until(() => started, 'the call to arrive')
    const closing = server.close(new AbortController().signal)
    const late = disposing(t, new RawClient(server.target))
    assert.equal((await late.call(Buffer.from('y'), { deadline: Date.now() + 300 })).answer, undefined)
    finish()
    assert.equal((await under).answer?.toString(), 'x')
    await closing
  })

  test('closing drops what is not answered at the deadline', async (t) => {
    let started = false
    const server = disposing(
      t,
      await serve(async () => {
        started = true
        return new Promise<Buffer>(() => {})
      }),
    )
    const raw = disposing(t, new RawClient(server.target))
    const under = raw.call(Buffer.from('x'))
    await until(() => started, 'the call to arrive')
    await server.close(AbortSignal.timeout(50))
    assert.ok((await under).error)
  })

  test('takes no more connections than it may', async (t) => {
    const server = disposing(t, await serve(async (message) => message, 'max_connections: 1'))
    const first = disposing(t, new RawClient(server.target))
    assert.equal((await first.call(Buffer.from('x'))).error, null)
    const second = disposing(t, new RawClient(server.target))
    assert.ok((await second.call(Buffer.from('x'), { deadline: Date.now() + 300 })).error)
    assert.equal((await first.call(Buffer.from('x'))).error, null)
  })

  test('a message that does not arrive in time is given up', async (t) => {
    const server = disposing(t, await serve(async (message) => message, 'request_timeout: 100ms'))
    const { status } = await rawHttp2(server.target, Buffer.alloc(10), {}, 0, { stall: true })
    assert.equal(status, '4')
  })

  test('a time that is longer than timers run is no short one', async (t) => {
    const server = disposing(t, await serve(async (message) => message, 'request_timeout: 1000h'))
    const raw = disposing(t, new RawClient(server.target))
    assert.equal((await raw.call(Buffer.alloc(4 * 2 ** 20))).error, null)
  })

  test('a message whose request never ends is given up', async (t) => {
    const server = disposing(t, await serve(async (message) => message, 'request_timeout: 100ms'))
    const { status } = await rawHttp2(server.target, Buffer.alloc(10), {}, 0, { open: true })
    assert.equal(status, '4')
  })

  test('of a call that sends several messages none is handled, nor more than one inflated', async (t) => {
    let handled = 0
    const server = disposing(t, await serve(async (message) => (handled++, message)))
    const bomb = zlib.zstdCompressSync(Buffer.alloc(2 ** 20))
    const { status } = await rawHttp2(server.target, bomb, { 'grpc-encoding': 'zstd' }, 1, { times: 50 })
    assert.equal(status, '12')
    assert.equal(handled, 0)
  })

  test('a connection that never speaks is closed', async (t) => {
    const server = disposing(t, await serve(async (message) => message, 'request_timeout: 100ms'))
    const [host, port] = server.target.split(':') as [string, string]
    const silent = net.connect(Number(port), host).resume()
    await until(() => silent.closed, 'the connection to be closed')
  })

  test('a connection that has spoken is kept', async (t) => {
    const server = disposing(t, await serve(async (_, { peer }) => Buffer.from(peer), 'request_timeout: 50ms'))
    const raw = disposing(t, new RawClient(server.target))
    const { answer } = await raw.call(Buffer.from('x'))
    const since = performance.now()
    await until(() => performance.now() - since > 150, 'the time limit to pass')
    assert.equal(String((await raw.call(Buffer.from('x'))).answer), String(answer))
  })

  test('a client that pings too often is closed', async (t) => {
    const server = disposing(
      t,
      await serve(async (message) => message, 'keepalive: { enforcement_policy: { min_time: 1m } }'),
    )
    const session = http2.connect(`http://${server.target}`)
    let closed = false
    session.on('close', () => (closed = true)).on('error', () => {})
    await until(() => !session.connecting, 'the connection')
    const pings = setInterval(() => session.destroyed || session.ping(() => {}), 5)
    await until(() => closed, 'the connection to be closed')
    clearInterval(pings)
  })

  test('a connection over its age is closed, and the client is told to make a new one', async (t) => {
    const server = disposing(
      t,
      await serve(
        async (message) => message,
        'keepalive: { server_parameters: { max_connection_age: 50ms, max_connection_age_grace: 1s } }',
      ),
    )
    const session = http2.connect(`http://${server.target}`)
    let goaway = false
    session.on('goaway', () => (goaway = true)).on('error', () => {})
    await until(() => goaway, 'a GOAWAY')
    session.destroy()
  })
})

describe('A unary client', () => {
  test('sends its segments as one message, with headers, and resolves to the answer', async (t) => {
    const peer = disposing(
      t,
      await rawServer((call, respond) => {
        respond(
          null,
          Buffer.from(
            `${call.request.toString()} ${call.metadata.get('api-key').join()} ${call.metadata.get('x').join()} ${call.metadata.get('trace-bin').join()}`,
          ),
        )
      }),
    )
    const client = disposing(
      t,
      await connect(`{ endpoint: 'http://${peer.target}', headers: { api-key: s3cret, trace-bin: grüß } }`),
    )
    const answer = await client.call([Buffer.from('one '), Buffer.from('two')], {
      metadata: new Map([['x', ['1', '2']]]),
    })
    assert.equal(answer.toString(), 'one two s3cret 1, 2 grüß')
  })

  for (const [coding, compress] of Object.entries(COMPRESS))
    test(`compresses by ${coding}, and takes answers that are`, async (t) => {
      const seen: { headers: http2.IncomingHttpHeaders; message: Buffer }[] = []
      let answer = await compress(Buffer.from('answer'))
      const peer = disposing(
        t,
        await http2Server((headers, message) => {
          seen.push({ headers, message })
          return { answer, headers: { 'grpc-encoding': coding } }
        }),
      )
      const client = disposing(t, await connect(`{ endpoint: 'http://${peer.target}', compression: ${coding} }`))
      const body = Buffer.alloc(100_000, 'telemetry ')
      assert.equal((await client.call([body])).toString(), 'answer')
      const { headers, message } = seen[0]!
      assert.equal(headers['grpc-encoding'], coding)
      assert.match(String(headers['grpc-accept-encoding']), new RegExp(coding))
      assert.equal(message[0], 1)
      assert.ok(message.length < body.length / 5)
      const inflated = await inflate(message.subarray(5), coding === 'snappy' ? 'x-snappy-framed' : coding, 2 ** 20)
      assert.deepEqual(inflated, body)
      answer = await compress(Buffer.alloc(64 * 2 ** 20))
      await assert.rejects(client.call([body]), { code: 'resource_exhausted' })
      answer = Buffer.from('not compressed')
      await assert.rejects(client.call([body]), { code: 'internal' })
    })

  for (const compression of ['gzip', 'deflate', 'none', 'zstd', 'snappy'])
    test(`is understood by a server where it compresses by ${compression}`, async (t) => {
      const peer = disposing(t, await serve(async (message) => Buffer.from(`${message.length}`)))
      const client = disposing(t, await connect(`{ endpoint: 'http://${peer.target}', compression: ${compression} }`))
      for (const size of [0, 1, 1_000_000])
        assert.equal((await client.call([Buffer.alloc(size, 'x')])).toString(), `${size}`)
    })

  for (const compression of ['gzip', 'deflate', 'none'])
    test(`compresses by ${compression}`, async (t) => {
      const peer = disposing(
        t,
        await rawServer((call, respond) => respond(null, Buffer.from(`${call.request.length}`))),
      )
      const client = disposing(t, await connect(`{ endpoint: 'http://${peer.target}', compression: ${compression} }`))
      assert.equal((await client.call([Buffer.alloc(1_000_000, 'x')])).toString(), '1000000')
    })

  test('every status becomes the refusal of the table', async (t) => {
    let code = 0
    const peer = disposing(t, await rawServer((_, respond) => respond({ code, details: `status ${code}` })))
    const client = disposing(t, await connect(`endpoint: http://${peer.target}`))
    const passes = [1, 4, 10, 11, 14, 15]
    for (code = 1; code <= 16; code++) {
      const refused = await refusal(client.call([Buffer.from('x')]))
      assert.equal(refused.retryable, passes.includes(code), `${code}`)
      assert.equal(refused.message, `status ${code}`)
    }
  })

  test('heeds RetryInfo', async (t) => {
    const peer = disposing(
      t,
      await rawServer((_, respond) => {
        const metadata = new grpc.Metadata()
        metadata.set('grpc-status-details-bin', encodeRpcStatus({ code: 8, message: 'full', retryDelay: 4000 }))
        respond({ code: 8, details: 'full', metadata })
      }),
    )
    const client = disposing(t, await connect(`endpoint: http://${peer.target}`))
    const refused = await refusal(client.call([Buffer.from('x')]))
    assert.deepEqual([refused.code, refused.retry], ['resource_exhausted', { after: 4000 }])
  })

  test('a server that hangs ends with the timeout, and with the abort', async (t) => {
    const peer = disposing(t, await rawServer(() => {}))
    const client = disposing(t, await connect(`endpoint: http://${peer.target}`))
    assert.equal((await refusal(client.call([Buffer.from('x')], { timeout: 50 }))).code, 'deadline_exceeded')
    const abort = new AbortController()
    const called = client.call([Buffer.from('x')], { abort: abort.signal })
    const reason = new Refused('stopped', { code: 'unavailable', retry: {} })
    abort.abort(reason)
    assert.equal(await refusal(called), reason)
  })

  test('a server that breaks the connection is unavailable, and may be tried again', async (t) => {
    const breaker = net
      .createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
      .listen(0, '127.0.0.1')
    await until(() => breaker.listening, 'the server')
    const { port } = breaker.address() as net.AddressInfo
    const client = disposing(t, await connect(`endpoint: http://127.0.0.1:${port}`))
    const refused = await refusal(client.call([Buffer.from('x')], { timeout: 2000 }))
    assert.ok(refused.retryable, refused.message)
    breaker.close()
  })

  test('what a server has not begun with is sent again at once, and not for ever', async (t) => {
    let streams = 0
    let refuses = 2
    const server = http2.createServer().listen(0, '127.0.0.1')
    const sessions = new Set<http2.ServerHttp2Session>()
    server.on('session', (session) => sessions.add(session))
    server.on('stream', (stream) => {
      stream.on('error', () => {})
      if (++streams <= refuses) return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.resume().end(Buffer.from([0, 0, 0, 0, 1, 'x'.charCodeAt(0)]))
    })
    t.after(() => {
      sessions.forEach((session) => session.destroy())
      server.close()
    })
    await until(() => server.listening, 'the server')
    const { port } = server.address() as net.AddressInfo
    const client = disposing(t, await connect(`{ endpoint: 'http://127.0.0.1:${port}', compression: none }`))
    assert.equal(String(await client.call([Buffer.from('x')], { timeout: 5000 })), 'x')
    assert.equal(streams, 3)
    refuses = Infinity
    const refused = await refusal(client.call([Buffer.from('x')], { timeout: 5000 }))
    assert.equal(refused.code, 'unavailable')
    assert.ok(refused.retryable)
    assert.equal(streams, 6)
  })

  test('nobody there, and no such name, are unavailable and may be tried again', async (t) => {
    for (const endpoint of ['http://127.0.0.1:1', 'http://nowhere.invalid:4317']) {
      const client = disposing(t, await connect(`endpoint: ${endpoint}`))
      const refused = await refusal(client.call([Buffer.from('x')], { timeout: 5000 }))
      assert.ok(refused.retryable, refused.message)
    }
  })

  test('reaches a server that comes later on the same address', async (t) => {
    const probe = disposing(t, await rawServer((_, respond) => respond(null, Buffer.from('first'))))
    const { target } = probe
    const client = disposing(t, await connect(`endpoint: http://${target}`))
    assert.equal((await client.call([Buffer.from('x')])).toString(), 'first')
    await probe[Symbol.asyncDispose]()
    assert.ok((await refusal(client.call([Buffer.from('x')], { timeout: 1000 }))).retryable)
    const again = disposing(t, await rawServer((_, respond) => respond(null, Buffer.from('second')), target))
    assert.equal(again.target, target)
    let answer = ''
    for (let tries = 0; tries < 50 && answer === ''; tries++)
      answer = await client
        .call([Buffer.from('x')], { timeout: 2000 })
        .then(String, () => new Promise<string>((resolve) => setTimeout(resolve, 100, '')))
    assert.equal(answer, 'second')
  })

  test('may wait for a connection instead of failing', async (t) => {
    const client = disposing(t, await connect('{ endpoint: http://127.0.0.1:1, wait_for_ready: true }'))
    assert.equal((await refusal(client.call([Buffer.from('x')], { timeout: 200 }))).code, 'deadline_exceeded')
  })
})

const refusal = async (called: Promise<unknown>): Promise<Refused> => {
  const outcome = await called.catch((error: unknown) => error)
  assert.ok(outcome instanceof Refused, `no refusal: ${String(outcome)}`)
  return outcome
}

async function connect(yaml: string) {
  const client = await makeUnaryClient(configured(clientDefinition, yaml))
  return {
    call: (message: readonly Buffer[], options: Partial<CallOptions> = {}) =>
      client.call(PATH, message, { timeout: 10_000, abort: NEVER, ...options }),
    [Symbol.asyncDispose]: async () => client.close(),
  }
}

async function rawServer(handle: grpc.handleUnaryCall<Buffer, Buffer>, address = '127.0.0.1:0') {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 })
  server.register(PATH, handle, same, same, 'unary')
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return { target: `127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => server.forceShutdown() }
}

interface Answering {
  readonly answer: Buffer
  readonly headers: http2.OutgoingHttpHeaders
}

/** A server that answers each request, given with its frame, by a compressed message of our own making. */
async function http2Server(answering: (headers: http2.IncomingHttpHeaders, message: Buffer) => Answering) {
  const server = http2.createServer()
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const { answer, headers: more } = answering(headers, Buffer.concat(chunks))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...more }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      const prefix = Buffer.alloc(5)
      prefix[0] = 1
      prefix.writeUInt32BE(answer.length, 1)
      stream.end(Buffer.concat([prefix, answer]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  return {
    target: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}

/** One request with a frame and headers of our own making. `stall`: it is never ended. */
async function rawHttp2(
  target: string,
  body: Buffer,
  headers: http2.OutgoingHttpHeaders,
  flag: number,
  { stall = false, open = false, times = 1 } = {},
) {
  const session = http2.connect(`http://${target}`)
  const stream = session.request({
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  const found: { http?: number | undefined; status?: string | undefined; answer?: Buffer } = {}
  const chunks: Buffer[] = []
  stream.on('response', (response) => {
    found.http = response[':status']
    found.status = response['grpc-status'] as string | undefined
  })
  stream.on('trailers', (trailers) => (found.status = trailers['grpc-status'] as string)).on('error', () => {})
  const prefix = Buffer.alloc(5)
  prefix[0] = flag
  prefix.writeUInt32BE(body.length + (stall ? 1000 : 0), 1)
  stream.write(Buffer.concat(Array.from({ length: times }, () => [prefix, body]).flat()))
  if (!stall && !open) stream.end()
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await until(() => found.status !== undefined || (found.http ?? 200) !== 200, 'the answer')
  session.destroy()
  found.answer = Buffer.concat(chunks).subarray(5)
  return found
}

/** Closes a listening socket without removing its file, as a killed process does. */
async function leaveBehind(server: net.Server, path: string): Promise<void> {
  const { renameSync } = await import('node:fs')
  renameSync(path, `${path}.kept`)
  await new Promise<void>((resolve) => void server.close(() => resolve()))
  renameSync(`${path}.kept`, path)
}
