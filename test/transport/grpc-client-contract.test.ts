import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import http2 from 'node:http2'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { Refused } from '../../src/component/refused.ts'
import { startHttp2Server } from '../../src/transport/http2/server.ts'
import { inflate } from '../../src/transport/inflate.ts'
import { encodeRpcStatus } from '../../src/transport/rpc-status.ts'
import { disposing } from './disposing.ts'
import { CLIENTS, COMPRESS, connect, refusal, serve, SERVERS } from './grpc-contract/implementations.ts'
import { http2Server, rawServer } from './grpc-contract/peers.ts'
import { until } from './until.ts'

for (const [implementation, make] of Object.entries(CLIENTS))
  describe(`A unary client of ${implementation}`, () => {
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
        await connect(make, `{ endpoint: 'http://${peer.target}', headers: { api-key: s3cret, trace-bin: grüß } }`),
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
        const client = disposing(
          t,
          await connect(make, `{ endpoint: 'http://${peer.target}', compression: ${coding} }`),
        )
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

    for (const [server, start] of Object.entries(SERVERS))
      for (const compression of ['gzip', 'deflate', 'none', 'zstd', 'snappy'])
        test(`is understood by a server of ${server} where it compresses by ${compression}`, async (t) => {
          const peer = disposing(t, await serve(start, async (message) => Buffer.from(`${message.length}`)))
          const client = disposing(
            t,
            await connect(make, `{ endpoint: 'http://${peer.target}', compression: ${compression} }`),
          )
          for (const size of [0, 1, 1_000_000, 20_000_000])
            assert.equal((await client.call([Buffer.alloc(size, 'x')])).toString(), `${size}`)
        })

    for (const compression of ['gzip', 'deflate', 'none'])
      test(`compresses by ${compression}`, async (t) => {
        const peer = disposing(
          t,
          await rawServer((call, respond) => respond(null, Buffer.from(`${call.request.length}`))),
        )
        const client = disposing(
          t,
          await connect(make, `{ endpoint: 'http://${peer.target}', compression: ${compression} }`),
        )
        assert.equal((await client.call([Buffer.alloc(1_000_000, 'x')])).toString(), '1000000')
      })

    test('every status becomes the refusal of the table', async (t) => {
      let code = 0
      const peer = disposing(t, await rawServer((_, respond) => respond({ code, details: `status ${code}` })))
      const client = disposing(t, await connect(make, `endpoint: http://${peer.target}`))
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
      const client = disposing(t, await connect(make, `endpoint: http://${peer.target}`))
      const refused = await refusal(client.call([Buffer.from('x')]))
      assert.deepEqual([refused.code, refused.retry], ['resource_exhausted', { after: 4000 }])
    })

    test('a server that hangs ends with the timeout, and with the abort', async (t) => {
      const peer = disposing(t, await rawServer(() => {}))
      const client = disposing(t, await connect(make, `endpoint: http://${peer.target}`))
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
      const client = disposing(t, await connect(make, `endpoint: http://127.0.0.1:${port}`))
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
      const client = disposing(t, await connect(make, `{ endpoint: 'http://127.0.0.1:${port}', compression: none }`))
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
        const client = disposing(t, await connect(make, `endpoint: ${endpoint}`))
        const refused = await refusal(client.call([Buffer.from('x')], { timeout: 5000 }))
        assert.ok(refused.retryable, refused.message)
      }
    })

    test('reaches a server that comes later on the same address', async (t) => {
      const probe = disposing(t, await rawServer((_, respond) => respond(null, Buffer.from('first'))))
      const { target } = probe
      const client = disposing(t, await connect(make, `endpoint: http://${target}`))
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

    test('reaches a server on a unix socket', async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'telegen-unix-'))
      t.after(() => rm(folder, { recursive: true }))
      const path = join(folder, 'otlp.sock')
      const handle = async (message: Buffer) => Buffer.from(`${message.length}`)
      disposing(t, await serve(startHttp2Server, handle, `{ transport: unix, endpoint: ${path} }`))
      const client = disposing(t, await connect(make, `{ endpoint: 'unix://${path}', tls: { insecure: true } }`))
      assert.equal(String(await client.call([Buffer.alloc(3_000_000)])), '3000000')
    })

    test('may wait for a connection instead of failing', async (t) => {
      const client = disposing(t, await connect(make, '{ endpoint: http://127.0.0.1:1, wait_for_ready: true }'))
      assert.equal((await refusal(client.call([Buffer.from('x')], { timeout: 200 }))).code, 'deadline_exceeded')
    })
  })
