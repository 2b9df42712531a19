import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Options } from '../../src/component/options.ts'
import { InflatedBytes, MOST_INFLATED } from '../../src/transport/arriving-message.ts'
import { grpcClientOptions } from '../../src/transport/grpc-client-options.ts'
import { grpcServerOptions } from '../../src/transport/grpc-server-options.ts'
import { makeUnaryClient, startUnaryServer } from '../../src/transport/grpc.ts'
import { StreamGuard } from '../../src/transport/stream-guard.ts'
import type { StreamLimits } from '../../src/transport/stream-guard.ts'
import type { UnaryClient, UnaryServer } from '../../src/transport/unary.ts'
import { configured } from './configured.ts'
import { disposing } from './disposing.ts'
import { quiet } from './quiet.ts'
import {
  END_HEADERS,
  END_STREAM,
  frame,
  grpcHeaders,
  int32,
  message,
  PREFACE,
  RawConnection,
  setting,
  TYPE,
} from './raw-http2.ts'
import { until } from './until.ts'

const PATH = '/test.Service/Method'
const CALM = http2.constants.NGHTTP2_ENHANCE_YOUR_CALM

const times = (count: number, one: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => one))
const headers = (stream: number): Buffer => frame(TYPE.headers, END_HEADERS, stream, grpcHeaders(PATH))
/** A header of 3870 bytes that goes into the dynamic table as its newest entry, 62 (RFC 7541, 6.2.1). */
const large = Buffer.concat([Buffer.from([0x40, 1, 97, 0x7f, 0x9f, 0x1d]), Buffer.alloc(127 + 0x1f + (0x1d << 7), 98)])

interface Flood {
  /** Sent once, and then this again and again; it gets streams that were not used before. */
  readonly first?: Buffer
  readonly more: (stream: () => number) => Buffer
}

const many = (stream: () => number, one: (id: number) => readonly Buffer[]): Buffer =>
  Buffer.concat(Array.from({ length: 100 }, () => one(stream())).flat())

/** What Node's own HTTP/2 ends by itself, where its version does, stands here too: that it holds is what counts. */
const FLOODS: Readonly<Record<string, Flood>> = {
  'requests that are reset': {
    more: (stream) => many(stream, (id) => [headers(id), frame(TYPE.reset, 0, id, int32(8))]),
  },
  'whole requests that are reset': {
    more: (stream) => many(stream, (id) => [headers(id), message(id), frame(TYPE.reset, 0, id, int32(8))]),
  },
  'requests that make the server reset them': {
    more: (stream) => many(stream, (id) => [headers(id), frame(TYPE.windowUpdate, 0, id, int32(0))]),
  },
  'requests that never end, beyond the streams that there may be': {
    more: (stream) => many(stream, (id) => [headers(id)]),
  },
  'requests whose window overflows': {
    more: (stream) => many(stream, (id) => [headers(id), frame(TYPE.windowUpdate, 0, id, int32(2 ** 31 - 1))]),
  },
  'requests that depend on themselves': {
    more: (stream) =>
      many(stream, (id) => [
        frame(TYPE.headers, END_HEADERS | 0x20, id, Buffer.concat([int32(id), Buffer.from([0]), grpcHeaders(PATH)])),
      ]),
  },
  'requests with headers twice': { more: (stream) => many(stream, (id) => [headers(id), headers(id)]) },
  'requests with DATA behind their end': {
    more: (stream) => many(stream, (id) => [headers(id), message(id), message(id)]),
  },
  'resets of streams that are over': {
    first: Buffer.concat([headers(1), message(1)]),
    more: () => times(1000, frame(TYPE.reset, 0, 1, int32(8))),
  },
  'DATA of a stream that was refused': {
    first: frame(TYPE.headers, END_HEADERS, 1, grpcHeaders('/nobody')),
    more: () => times(1000, frame(TYPE.data, 0, 1, Buffer.alloc(100))),
  },
  'SETTINGS that nobody sent, acknowledged': { more: () => times(1000, frame(TYPE.settings, 1, 0)) },
  'SETTINGS that change the windows of all streams': {
    more: (stream) =>
      Buffer.concat([
        ...(stream() === 1 ? [headers(1)] : []),
        times(
          500,
          Buffer.concat([frame(TYPE.settings, 0, 0, setting(4, 0)), frame(TYPE.settings, 0, 0, setting(4, 9))]),
        ),
      ]),
  },
  GOAWAY: { more: () => times(1000, frame(TYPE.goaway, 0, 0, Buffer.alloc(8))) },
  'frames of padding': {
    first: headers(1),
    more: () => times(1000, frame(TYPE.data, 8, 1, Buffer.from([30, ...Buffer.alloc(30)]))),
  },
  SETTINGS: { more: () => times(1000, frame(TYPE.settings, 0, 0, setting(4, 65_535))) },
  PING: { more: () => times(1000, frame(TYPE.ping, 0, 0, Buffer.alloc(8))) },
  'answers to pings that nobody sent': { more: () => times(1000, frame(TYPE.ping, 1, 0, Buffer.alloc(8))) },
  PRIORITY: { more: () => times(1000, frame(TYPE.priority, 0, 1, Buffer.alloc(5))) },
  WINDOW_UPDATE: { more: () => times(1000, frame(TYPE.windowUpdate, 0, 0, int32(1))) },
  'frames of no known kind': { more: () => times(1000, frame(200, 0, 0, Buffer.alloc(4))) },
  'empty DATA': { first: headers(1), more: () => times(1000, frame(TYPE.data, 0, 1)) },
  'DATA of one byte': { first: headers(1), more: () => times(1000, frame(TYPE.data, 0, 1, Buffer.from([0]))) },
  CONTINUATION: {
    first: frame(TYPE.headers, 0, 1, grpcHeaders(PATH)),
    more: () => times(100, frame(TYPE.continuation, 0, 1)),
  },
  'headers that lack what they must have': {
    more: (stream) => many(stream, (id) => [frame(TYPE.headers, END_HEADERS | END_STREAM, id, Buffer.from([0x83]))]),
  },
  'headers that inflate by the thousand': {
    first: frame(TYPE.headers, END_HEADERS | END_STREAM, 1, Buffer.concat([grpcHeaders(PATH), large])),
    more: (stream) => {
      const bomb = Buffer.concat([grpcHeaders(PATH), Buffer.alloc(4000, 0x80 | 62)])
      return many(stream, (id) => [frame(TYPE.headers, END_HEADERS | END_STREAM, id, bomb)])
    },
  },
}

/** Nothing of it may take longer than that, nor a request of somebody else meanwhile. */
const LIMIT = 10_000

describe('HTTP/2 abuse: the connection ends, and others are served meanwhile', () => {
  let server: UnaryServer
  let client: UnaryClient
  let port: number
  before(async () => {
    const methods = new Map([[PATH, { handle: async (body: Buffer) => body }]])
    const options = configured({ config: Options(grpcServerOptions('127.0.0.1:0')) }, '{}')
    server = await startUnaryServer(options, { methods, log: quiet })
    port = (server.address as { port: number }).port
    const yaml = `{ endpoint: 'http://127.0.0.1:${port}', compression: none }`
    client = await makeUnaryClient(configured({ config: Options(grpcClientOptions) }, yaml))
  })
  after(async () => {
    client.close()
    await server.close(AbortSignal.abort())
  })

  for (const [what, { first, more }] of Object.entries(FLOODS))
    test(what, async (t) => {
      const flood = disposing(t, new RawConnection(port))
      let used = first ? 1 : -1
      await flood.write(first ?? Buffer.alloc(0))
      const began = performance.now()
      let served = 0
      while (!flood.closed) {
        assert.ok(performance.now() - began < LIMIT, 'the flood goes on')
        // In small pieces: a server that reads and answers would be seen to.
        await flood.write(more(() => (used += 2)))
        const options = { timeout: 2000, abort: new AbortController().signal }
        assert.equal(String(await client.call(PATH, [Buffer.from('x')], options)), 'x')
        served++
      }
      assert.ok(served > 0)
    })
})

/** A server of HTTP/2 that answers each request with more than a small window lets out, and its guard. */
async function guarded(t: TestContext, limits: StreamLimits, memory = new InflatedBytes()) {
  const guard = new StreamGuard(memory, limits)
  const server = http2.createServer()
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    guard.watch(session)
  })
  server.on('stream', (stream) => {
    stream.on('error', () => {}).on('data', () => {})
    stream.once('end', () => {
      if (stream.destroyed) return
      stream.respond({ ':status': 200 })
      stream.end(Buffer.alloc(1000))
    })
  })
  t.after(() => {
    guard.stop()
    sessions.forEach((session) => session.destroy())
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { guard, port: (server.address() as net.AddressInfo).port }
}

describe('The guard of streams', () => {
  test('ends a connection whose window lets no answer out', async (t) => {
    const { guard, port } = await guarded(t, { message: 1000, answer: 0 })
    const deaf = disposing(t, new RawConnection(port, setting(4, 0)))
    await deaf.write(Buffer.concat([headers(1), message(1)]))
    await until(() => deaf.frames.some(({ type }) => type === TYPE.headers), 'the head of the answer')
    guard.look()
    guard.look()
    await until(() => deaf.closed, 'the end of the connection')
  })

  test('lets answers out that are taken, and requests take their time', async (t) => {
    const { guard, port } = await guarded(t, { message: 1000, answer: 0 })
    const client = disposing(t, new RawConnection(port))
    await client.write(headers(1))
    await client.write(Buffer.concat([headers(3), message(3)]))
    await until(() => client.frames.some(({ type, stream }) => type === TYPE.data && stream === 3), 'an answer')
    guard.look()
    guard.look()
    await client.write(message(1))
    await until(() => client.frames.some(({ type, stream }) => type === TYPE.data && stream === 1), 'the other one')
  })

  test('refuses messages that find no memory, so that they may be sent again, and gives it back', async (t) => {
    const memory = new InflatedBytes()
    const { port } = await guarded(t, { message: MOST_INFLATED, answer: 60_000 }, memory)
    assert.ok(memory.take(MOST_INFLATED - 10_000))
    const client = disposing(t, new RawConnection(port))
    const part = frame(TYPE.data, 0, 1, Buffer.alloc(8000))
    await client.write(Buffer.concat([headers(1), part]))
    const isTight = () => {
      const isRoom = memory.take(4000)
      if (isRoom) memory.give(4000)
      return !isRoom
    }
    await until(isTight, 'the first part')
    await client.write(part)
    const reset = () => client.frames.find(({ type, stream }) => type === TYPE.reset && stream === 1)
    await until(() => reset() !== undefined, 'the refusal')
    assert.equal(reset()?.payload.readUInt32BE(0), http2.constants.NGHTTP2_REFUSED_STREAM)
    assert.ok(memory.take(10_000))
  })

  test('names small frames as the reason', async (t) => {
    const { port } = await guarded(t, { message: 10_000, answer: 60_000 })
    const client = disposing(t, new RawConnection(port))
    await client.write(Buffer.concat([headers(1), times(1100, frame(TYPE.data, 0, 1, Buffer.from([0])))]))
    await until(() => client.closed, 'the end')
    assert.equal(client.goaway, CALM)
    assert.match(String(client.frames.find(({ type }) => type === TYPE.goaway)?.payload), /too_small_frames/)
  })

  test('looks at the others while a connection ends whose client keeps its side open', async (t) => {
    const { guard, port } = await guarded(t, { message: 1000, answer: 0 })
    const half = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => half.destroy())
    const goaway = frame(TYPE.goaway, 0, 0, Buffer.concat([int32(0), int32(0)]))
    half.write(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0), goaway]))
    await once(half.resume(), 'end')
    const deaf = disposing(t, new RawConnection(port, setting(4, 0)))
    await deaf.write(Buffer.concat([headers(1), message(1)]))
    await until(() => deaf.frames.some(({ type }) => type === TYPE.headers), 'the head of the answer')
    guard.look()
    guard.look()
    await until(() => deaf.closed, 'the end of the connection')
  })
})
