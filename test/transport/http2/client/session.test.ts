import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../../../src/component/refused.ts'
import { encodeGrpcMessage } from '../../../../src/transport/http2/grpc-message.ts'
import { END_STREAM, frame, int32, setting, TYPE } from '../../raw-http2.ts'
import { until } from '../../until.ts'
import { answering, caller, connected, headers, message, OK, rawServer } from './raw-server.ts'
import type { RawPeer } from './raw-server.ts'

const INITIAL_WINDOW = 4
const MAX_STREAMS = 3
const settings = (...pairs: readonly (readonly [number, number])[]): Buffer =>
  frame(TYPE.settings, 0, 0, Buffer.concat(pairs.map(([id, value]) => setting(id, value))))
const goaway = (last: number, code = 0, text = ''): Buffer =>
  frame(TYPE.goaway, 0, 0, Buffer.concat([int32(last), int32(code), Buffer.from(text)]))
const isEnd = ({ flags }: { flags: number }): boolean => (flags & END_STREAM) !== 0

const refusal = async (called: Promise<unknown>): Promise<Refused> => {
  const outcome = await called.catch((error: unknown) => error)
  assert.ok(outcome instanceof Refused, String(outcome))
  return outcome
}

describe('A session of the client', () => {
  test('waits for the settings of the server before it sends a request', async (t) => {
    const server = await rawServer(t, { first: Buffer.alloc(0), heard: answering })
    const call = await caller(t, server.port)
    const called = call()
    await connected(server)
    const peer = server.peers[0] as RawPeer
    await until(() => peer.count(TYPE.settings) === 1, 'the settings of the client')
    assert.equal(peer.count(TYPE.headers), 0)
    peer.send(settings())
    assert.equal(await called, 'x')
  })

  test('sends a message in frames of no more than the windows let out, also where a setting changes them', async (t) => {
    const server = await rawServer(t, { first: settings([INITIAL_WINDOW, 10]), heard: answering })
    const call = await caller(t, server.port)
    const called = call('y'.repeat(200))
    await connected(server)
    const peer = server.peers[0] as RawPeer
    const lengths = () => peer.frames.filter(({ type }) => type === TYPE.data).map(({ payload }) => payload.length)
    await until(() => lengths().length === 1, 'DATA')
    peer.send(settings([INITIAL_WINDOW, 0]))
    peer.send(frame(TYPE.windowUpdate, 0, 1, int32(30)))
    await until(() => lengths().length === 2, 'more DATA')
    assert.deepEqual(lengths(), [10, 20])
    peer.send(settings([INITIAL_WINDOW, 1000]))
    assert.equal(await called, 'x')
    assert.deepEqual(lengths(), [10, 20, 175])
  })

  test('reads an answer from any pieces', async (t) => {
    const server = await rawServer(t, {
      heard(peer, { type, flags, stream }) {
        if (type !== TYPE.data || !(flags & END_STREAM)) return
        const answer = Buffer.concat([
          headers(stream, { ':status': '103' }),
          headers(stream, OK),
          message(stream, 'abc'),
          headers(stream, { 'grpc-status': '0' }, END_STREAM),
        ])
        for (const byte of answer) peer.socket.write(Buffer.from([byte]))
      },
    })
    const call = await caller(t, server.port)
    assert.equal(await call(), 'abc')
  })

  test('a message and its prefix may be spread over DATA frames, with padding', async (t) => {
    const server = await rawServer(t, {
      heard(peer, { type, flags, stream }) {
        if (type !== TYPE.data || !(flags & END_STREAM)) return
        const part = (bytes: string | number[]) => frame(TYPE.data, 0, stream, Buffer.from(bytes as string))
        peer.send(headers(stream, OK), part([0, 0]), part([0, 0]), part([3, 97]), frame(TYPE.data, 0, stream))
        peer.send(frame(TYPE.data, 8, stream, Buffer.from([2, 98, 99, 0, 0])))
        peer.send(headers(stream, { 'grpc-status': '0' }, END_STREAM))
      },
    })
    assert.equal(await (await caller(t, server.port))(), 'abc')
  })

  test('trailers alone are an answer, with a message that is percent-encoded', async (t) => {
    const server = await rawServer(t, {
      heard(peer, { type, flags, stream }) {
        if (type !== TYPE.data || !(flags & END_STREAM)) return
        const text = encodeGrpcMessage('voll: 100 % größer')
        peer.send(headers(stream, { ...OK, 'grpc-status': '9', 'grpc-message': text }, END_STREAM))
      },
    })
    const refused = await refusal((await caller(t, server.port))())
    assert.deepEqual([refused.code, refused.message], ['failed_precondition', 'voll: 100 % größer'])
  })

  const HTTP: readonly (readonly [string, string, boolean])[] = [
    ['400', 'internal', false],
    ['401', 'unauthenticated', false],
    ['403', 'permission_denied', false],
    ['404', 'unimplemented', false],
    ['429', 'unavailable', true],
    ['500', 'unknown', false],
    ['502', 'unavailable', true],
    ['503', 'unavailable', true],
    ['504', 'unavailable', true],
    ['200', 'unknown', false],
  ]
  test('what is no answer of gRPC is refused by its HTTP status', async (t) => {
    let status = ''
    const server = await rawServer(t, {
      heard(peer, { type, flags, stream }) {
        if (type !== TYPE.data || !(flags & END_STREAM)) return
        const page = frame(TYPE.data, END_STREAM, stream, Buffer.from('<html>'))
        peer.send(headers(stream, { ':status': status, 'content-type': 'text/html' }), page)
      },
    })
    const call = await caller(t, server.port)
    for (const [http, code, retryable] of HTTP) {
      status = http
      const refused = await refusal(call())
      assert.deepEqual([refused.code, refused.retryable], [code, retryable], http)
      assert.match(refused.message, /text\/html/)
    }
  })

  const BROKEN: Readonly<Record<string, (stream: number) => Buffer[]>> = {
    'without a status': (stream) => [headers(stream, OK), message(stream, 'x'), headers(stream, {}, END_STREAM)],
    'without trailers': (stream) => [headers(stream, OK), message(stream, 'x', END_STREAM)],
    'without a message': (stream) => [headers(stream, OK), headers(stream, { 'grpc-status': '0' }, END_STREAM)],
    'with two messages': (stream) => [
      headers(stream, OK),
      message(stream, 'x'),
      message(stream, 'y'),
      headers(stream, { 'grpc-status': '0' }, END_STREAM),
    ],
    'with half a message': (stream) => [
      headers(stream, OK),
      frame(TYPE.data, 0, stream, Buffer.from([0, 0, 0, 0, 9, 1])),
      headers(stream, { 'grpc-status': '0' }, END_STREAM),
    ],
    'with a body before its headers': (stream) => [message(stream, 'x')],
    'with a name in upper case': (stream) => [headers(stream, { ...OK, 'X-Y': 'z' }, END_STREAM)],
    'with the header connection': (stream) => [headers(stream, { ...OK, connection: 'close' }, END_STREAM)],
    'with a pseudo-header among the trailers': (stream) => [
      headers(stream, OK),
      message(stream, 'x'),
      headers(stream, { 'grpc-status': '0', ':status': '200' }, END_STREAM),
    ],
    'that is larger than 4 MiB': (stream) => [
      headers(stream, OK),
      frame(TYPE.data, 0, stream, Buffer.concat([Buffer.from([0]), int32(4 * 2 ** 20 + 1)])),
    ],
    'that only announces itself': (stream) =>
      Array.from({ length: 50 }, () => headers(stream, { ':status': '103', link: '<x>' })),
    'with headers that are too large': (stream) => [
      headers(stream, OK),
      ...Array.from({ length: 1 }, () =>
        headers(stream, { 'grpc-status': '0', 'x-a': 'a'.repeat(70_000) }, END_STREAM),
      ),
    ],
  }
  for (const [what, answer] of Object.entries(BROKEN))
    test(`an answer ${what} is refused, and the connection serves on where it can`, async (t) => {
      let broken = true
      const server = await rawServer(t, {
        heard(peer, { type, flags, stream }) {
          if (type !== TYPE.data || !(flags & END_STREAM)) return
          if (broken) peer.send(...answer(stream))
          else peer.answer(stream)
        },
      })
      const call = await caller(t, server.port)
      await refusal(call())
      broken = false
      assert.equal(await call(), 'x')
    })

  test('a reset means what gRPC says it means', async (t) => {
    let code = 0
    const server = await rawServer(t, {
      heard(peer, { type, flags, stream }) {
        if (type === TYPE.data && flags & END_STREAM) peer.send(frame(TYPE.reset, 0, stream, int32(code)))
      },
    })
    const call = await caller(t, server.port)
    const codes = []
    for (code of [0, 1, 2, 3, 6, 7, 8, 9, 11, 12]) codes.push((await refusal(call())).code)
    const first = ['internal', 'internal', 'internal', 'internal', 'internal', 'unavailable']
    assert.deepEqual(codes, first.concat('cancelled', 'internal', 'resource_exhausted', 'permission_denied'))
  })

  test('told to go, it begins nothing further there; what the server will not answer goes by another connection', async (t) => {
    const server = await rawServer(t, {
      heard(peer, found) {
        const isFirst = peer === server.peers[0]
        if (!isFirst) answering(peer, found)
        else if (found.type === TYPE.data && found.stream === 3) peer.send(goaway(1))
      },
    })
    const call = await caller(t, server.port)
    const [first, second] = [call('one'), call('two')]
    assert.equal(await second, 'x')
    assert.equal(server.peers.length, 2)
    server.peers[0]?.answer(1, 'late')
    assert.equal(await first, 'late')
    await until(() => server.peers[0]!.closed, 'the old connection to be closed')
    assert.equal(await call(), 'x')
    assert.equal(server.peers.length, 2)
  })

  test('opens further connections where a server takes few requests on one', async (t) => {
    const held: (() => void)[] = []
    const server = await rawServer(t, {
      first: settings([MAX_STREAMS, 2]),
      heard(peer, found) {
        if (found.type === TYPE.data && isEnd(found)) held.push(() => peer.answer(found.stream))
      },
    })
    const call = await caller(t, server.port)
    const called = Array.from({ length: 20 }, () => call())
    await until(() => held.length === 16, 'eight connections with two requests each')
    assert.equal(server.peers.length, 8)
    for (let answered = 0; answered < 20; answered++) {
      await until(() => held.length > answered, 'the next request')
      held[answered]!()
    }
    assert.deepEqual(new Set(await Promise.all(called)), new Set(['x']))
    assert.equal(server.peers.length, 8)
  })

  test('a request that is given up is reset, and says its timeout', async (t) => {
    const server = await rawServer(t)
    const call = await caller(t, server.port)
    assert.equal((await refusal(call('x', { timeout: 60 }))).code, 'deadline_exceeded')
    const peer = server.peers[0] as RawPeer
    await until(() => peer.find(TYPE.reset, 1) !== undefined, 'the reset')
    assert.equal(peer.find(TYPE.reset, 1)?.payload.readUInt32BE(0), 8)
  })

  test('an answer before the end of the request ends that, too', async (t) => {
    const server = await rawServer(t, {
      heard(peer, { type, stream }) {
        if (type === TYPE.headers) peer.send(headers(stream, { ...OK, 'grpc-status': '16' }, END_STREAM))
      },
    })
    const call = await caller(t, server.port)
    assert.equal((await refusal(call([Buffer.alloc(200_000)]))).code, 'unauthenticated')
    const peer = server.peers[0] as RawPeer
    await until(() => peer.find(TYPE.reset, 1) !== undefined, 'the reset')
    assert.ok(!peer.frames.some((each) => each.type === TYPE.data && isEnd(each)))
  })

  test('a lost connection is unavailable for what was under way', async (t) => {
    const server = await rawServer(t, { heard: (peer, { type }) => void (type === TYPE.data && peer.socket.destroy()) })
    const refused = await refusal((await caller(t, server.port))())
    assert.deepEqual([refused.code, refused.retryable], ['unavailable', true])
  })

  test('answers pings, and pings a server that is silent; one that does not answer is gone', async (t) => {
    const server = await rawServer(t, {
      heard(peer, { type }) {
        if (type === TYPE.data) peer.send(frame(TYPE.ping, 0, 0, Buffer.from('12345678')))
      },
    })
    const call = await caller(t, server.port, 'keepalive: { time: 60ms, timeout: 60ms }')
    const refused = await refusal(call())
    assert.deepEqual([refused.code, refused.message], ['unavailable', 'the server does not answer pings'])
    const pings = server.peers[0]!.frames.filter(({ type }) => type === TYPE.ping)
    assert.deepEqual(
      pings.map(({ flags, payload }) => [flags, String(payload)]),
      [
        [1, '12345678'],
        [0, 'telegen.'],
      ],
    )
  })

  test('pings half as often where a server finds it too often', async (t) => {
    const pinged: number[] = []
    const server = await rawServer(t, {
      heard(peer, { type, flags }) {
        if (type !== TYPE.ping || flags & 1) return
        pinged.push(performance.now())
        peer.send(frame(TYPE.ping, 1, 0, Buffer.from('telegen.')))
        if (server.peers.length === 1) peer.send(goaway(1, 11, 'too_many_pings'))
      },
    })
    const call = await caller(t, server.port, 'keepalive: { time: 80ms, timeout: 5s }')
    const first = call('one', { timeout: 1000 })
    await until(() => pinged.length === 1, 'a ping')
    const began = performance.now()
    const second = call('two', { timeout: 1000 })
    await until(() => pinged.length >= 2, 'the next ping')
    assert.ok(pinged[1]! - began > 110, `${pinged[1]! - began} ms`)
    for (const each of [first, second]) await refusal(each)
  })
})
