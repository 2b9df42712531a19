import assert from 'node:assert/strict'
import http2 from 'node:http2'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import * as grpc from '@grpc/grpc-js'
import { Refused } from '../../src/component/refused.ts'
import { encodeRpcStatus } from '../../src/transport/rpc-status.ts'
import { disposing } from './disposing.ts'
import { COMPRESS, PATH, serve, SERVERS } from './grpc-contract/implementations.ts'
import { RawClient, rawHttp2 } from './grpc-contract/peers.ts'
import { until } from './until.ts'

const same = (bytes: Buffer) => bytes

for (const [implementation, start] of Object.entries(SERVERS))
  describe(`A unary server of ${implementation}`, () => {
    test('answers with what the method makes of the message, whatever its size', async (t) => {
      const server = disposing(
        t,
        await serve(start, async (message) => Buffer.from(message.toString('latin1').toUpperCase(), 'latin1')),
      )
      const raw = disposing(t, new RawClient(server.target))
      for (const size of [0, 1, 16_384, 3_000_000]) {
        const { error, answer } = await raw.call(Buffer.alloc(size, 'a'))
        assert.equal(error, null)
        assert.ok(answer!.equals(Buffer.alloc(size, 'A')))
      }
    })

    test('serves many calls at the same time on one connection', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message))
      const raw = disposing(t, new RawClient(server.target))
      const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => raw.call(Buffer.from(`${i}`))))
      answers.forEach(({ answer }, i) => assert.equal(answer?.toString(), `${i}`))
    })

    test('inflates gzip', async (t) => {
      const server = disposing(t, await serve(start, async (message) => Buffer.from(`${message.length}`)))
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
          await serve(start, async (message) => Buffer.from(`${message.length}`), 'max_recv_msg_size_mib: 1'),
        )
        const sent = async (body: Buffer) => rawHttp2(server.target, body, { 'grpc-encoding': coding }, 1)
        for (const size of [0, 5, 1_000_000])
          assert.equal((await sent(await compress(Buffer.alloc(size, 'x')))).answer?.toString(), `${size}`)
        assert.equal((await sent(await compress(Buffer.alloc(64 * 2 ** 20)))).status, '8')
        assert.equal((await sent(Buffer.from('not compressed at all'))).status, '13')
        assert.equal((await sent((await compress(Buffer.alloc(5000, 'x'))).subarray(0, -1))).status, '13')
      })

    test('a coding that it does not know is UNIMPLEMENTED', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message))
      for (const coding of ['brotli', 'constructor', '__proto__']) {
        const { status } = await rawHttp2(server.target, zlib.gzipSync('x'), { 'grpc-encoding': coding }, 1)
        assert.equal(status, '12')
      }
    })

    test('a path without a method is UNIMPLEMENTED', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message))
      const raw = disposing(t, new RawClient(server.target))
      assert.equal(
        (await raw.call(Buffer.alloc(1), {}, '/other.Service/Method')).error?.code,
        grpc.status.UNIMPLEMENTED,
      )
    })

    test('says a refusal by its status, and when to come again by RetryInfo', async (t) => {
      const server = disposing(
        t,
        await serve(start, async () => {
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
        await serve(start, async () => {
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
        await serve(start, async () => {
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
        await serve(start, async (message) => {
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
        await serve(start, {
          refuse: () => new Refused('not now', { code: 'unavailable', retry: {} }),
          handle: async (message) => (handled++, message),
        }),
      )
      const raw = disposing(t, new RawClient(server.target))
      assert.equal((await raw.call(Buffer.alloc(3_000_000))).error?.code, grpc.status.UNAVAILABLE)
      assert.equal(handled, 0)
    })

    test('a message over the limit is RESOURCE_EXHAUSTED without RetryInfo, and the connection stays usable', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message, 'max_recv_msg_size_mib: 1'))
      const raw = disposing(t, new RawClient(server.target))
      const { error } = await raw.call(Buffer.alloc(2 ** 20 + 1))
      assert.equal(error?.code, grpc.status.RESOURCE_EXHAUSTED)
      assert.deepEqual(error?.metadata.get('grpc-status-details-bin'), [])
      assert.equal((await raw.call(Buffer.alloc(2 ** 20))).error, null)
    })

    test('a bomb is RESOURCE_EXHAUSTED, and nothing is handed to the method', async (t) => {
      let handled = 0
      const server = disposing(
        t,
        await serve(start, async (message) => (handled++, message), 'max_recv_msg_size_mib: 1'),
      )
      const raw = disposing(
        t,
        new RawClient(server.target, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip }),
      )
      const { error } = await raw.call(Buffer.alloc(50 * 2 ** 20))
      assert.equal(error?.code, grpc.status.RESOURCE_EXHAUSTED)
      assert.equal(handled, 0)
    })

    test('broken frames and bodies that are no gRPC are answered, never thrown', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message))
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
        await serve(start, async (message, { abort }) => {
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
        await serve(start, async (message, { abort }) => {
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
        await serve(start, async (message, call) => {
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
        serve(start, async (message) => message, yaml),
        /listen unix .*: bind: address already in use/,
      )
      await leaveBehind(left, path)
      const server = disposing(t, await serve(start, async (_, call) => Buffer.from(call.peer), yaml))
      const raw = disposing(t, new RawClient(server.target))
      assert.equal((await raw.call(Buffer.from('x'))).answer?.toString(), 'unix')
    })

    test('an address in use is named', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message))
      await assert.rejects(
        serve(start, async (message) => message, `endpoint: ${server.target}`),
        { message: `listen tcp ${server.target}: bind: address already in use` },
      )
    })

    test('closing answers what is under way and takes nothing new', async (t) => {
      let finish = () => {}
      let started = false
      const server = disposing(
        t,
        await serve(start, async (message) => {
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
        await serve(start, async () => {
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
      const server = disposing(t, await serve(start, async (message) => message, 'max_connections: 1'))
      const first = disposing(t, new RawClient(server.target))
      assert.equal((await first.call(Buffer.from('x'))).error, null)
      const second = disposing(t, new RawClient(server.target))
      assert.ok((await second.call(Buffer.from('x'), { deadline: Date.now() + 300 })).error)
      assert.equal((await first.call(Buffer.from('x'))).error, null)
    })

    test('a message that does not arrive in time is given up', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message, 'request_timeout: 100ms'))
      const { status } = await rawHttp2(server.target, Buffer.alloc(10), {}, 0, { stall: true })
      assert.equal(status, '4')
    })

    test('a time that is longer than timers run is no short one', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message, 'request_timeout: 1000h'))
      const raw = disposing(t, new RawClient(server.target))
      assert.equal((await raw.call(Buffer.alloc(4 * 2 ** 20))).error, null)
    })

    test('a message whose request never ends is given up', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message, 'request_timeout: 100ms'))
      const { status } = await rawHttp2(server.target, Buffer.alloc(10), {}, 0, { open: true })
      assert.equal(status, '4')
    })

    test('of a call that sends several messages none is handled, nor more than one inflated', async (t) => {
      let handled = 0
      const server = disposing(t, await serve(start, async (message) => (handled++, message)))
      const bomb = zlib.zstdCompressSync(Buffer.alloc(2 ** 20))
      const { status } = await rawHttp2(server.target, bomb, { 'grpc-encoding': 'zstd' }, 1, { times: 50 })
      assert.equal(status, '12')
      assert.equal(handled, 0)
    })

    test('a connection that never speaks is closed', async (t) => {
      const server = disposing(t, await serve(start, async (message) => message, 'request_timeout: 100ms'))
      const [host, port] = server.target.split(':') as [string, string]
      const silent = net.connect(Number(port), host).resume()
      await until(() => silent.closed, 'the connection to be closed')
    })

    test('a connection that has spoken is kept', async (t) => {
      const server = disposing(t, await serve(start, async (_, { peer }) => Buffer.from(peer), 'request_timeout: 50ms'))
      const raw = disposing(t, new RawClient(server.target))
      const { answer } = await raw.call(Buffer.from('x'))
      const since = performance.now()
      await until(() => performance.now() - since > 150, 'the time limit to pass')
      assert.equal(String((await raw.call(Buffer.from('x'))).answer), String(answer))
    })

    test('a client that pings too often is closed', async (t) => {
      const server = disposing(
        t,
        await serve(start, async (message) => message, 'keepalive: { enforcement_policy: { min_time: 1m } }'),
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
          start,
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

/** Closes a listening socket without removing its file, as a killed process does. */
async function leaveBehind(server: net.Server, path: string): Promise<void> {
  const { renameSync } = await import('node:fs')
  renameSync(path, `${path}.kept`)
  await new Promise<void>((resolve) => void server.close(() => resolve()))
  renameSync(`${path}.kept`, path)
}
