import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, test } from 'node:test'
import { arrivingBytes } from '../../../src/transport/http2/arriving-bytes.ts'
import { END_HEADERS, END_STREAM, frame, hpack, int32, RawConnection, setting, TYPE } from '../raw-http2.ts'
import { until } from '../until.ts'
import { disposing } from '../disposing.ts'
import { answerOn, data, echo, framed, headers, PATH, request, serve, statusOn } from './serving.ts'

const answered = (connection: RawConnection, stream: number): Promise<void> =>
  until(() => answerOn(connection, stream).isWhole, `the answer on ${stream}`)
const goaways = ({ frames }: RawConnection): number[] =>
  frames.filter(({ type }) => type === TYPE.goaway).map(({ payload }) => payload.readUInt32BE(0))
const pings = ({ frames }: RawConnection): Buffer[] =>
  frames.filter(({ type, flags }) => type === TYPE.ping && flags === 0).map(({ payload }) => payload)
const NEVER = new AbortController().signal

describe('A connection that breaks the protocol ends with the code of its fault', () => {
  const PROTOCOL = 1
  const CLOSED = 5
  const SIZE = 6
  const faults: Readonly<Record<string, readonly [Buffer, number]>> = {
    'a stream of an even number': [request(2), PROTOCOL],
    'headers on no stream': [headers(0), PROTOCOL],
    'DATA on no stream': [data(0, Buffer.alloc(1)), PROTOCOL],
    'DATA on a stream that was never begun': [data(7, Buffer.alloc(1)), PROTOCOL],
    'a reset of a stream that was never begun': [frame(TYPE.reset, 0, 7, int32(8)), PROTOCOL],
    'credit for a stream that was never begun': [frame(TYPE.windowUpdate, 0, 7, int32(8)), PROTOCOL],
    'a stream below the newest': [Buffer.concat([request(5), request(3)]), PROTOCOL],
    'a frame amid headers': [
      Buffer.concat([frame(TYPE.headers, 0, 1, hpack({ a: 'b' })), frame(TYPE.ping, 0, 0, Buffer.alloc(8))]),
      PROTOCOL,
    ],
    'DATA amid headers': [
      Buffer.concat([frame(TYPE.headers, 0, 1, hpack({ a: 'b' })), data(1, Buffer.alloc(1))]),
      PROTOCOL,
    ],
    'a continuation of nothing': [frame(TYPE.continuation, END_HEADERS, 1), PROTOCOL],
    'a promise': [frame(5, END_HEADERS, 1, Buffer.alloc(4)), PROTOCOL],
    'a ping of seven bytes': [frame(TYPE.ping, 0, 0, Buffer.alloc(7)), SIZE],
    'acknowledged settings with content': [frame(TYPE.settings, 1, 0, setting(4, 1)), SIZE],
    'a window that overflows': [frame(TYPE.windowUpdate, 0, 0, int32(2 ** 31 - 1)), 3],
    'headers that no table can read': [frame(TYPE.headers, END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff])), 9],
  }
  for (const [what, [bytes, code]] of Object.entries(faults))
    test(what, async (t) => {
      const { connect } = await serve(t, echo)
      const connection = connect()
      await connection.write(bytes)
      await until(() => connection.closed, 'the end')
      assert.equal(connection.goaway, code)
      assert.equal(arrivingBytes.held, 0)
    })

  test('a stream that the client has ended: headers', async (t) => {
    const { connect } = await serve(t, echo)
    const connection = connect()
    await connection.write(request(1))
    await answered(connection, 1)
    await connection.write(request(1))
    await until(() => connection.closed, 'the end')
    assert.equal(connection.goaway, CLOSED)
  })

  test('something else than a preface', async (t) => {
    const { port } = await serve(t, echo)
    const socket = net.connect(port, '127.0.0.1').resume()
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await until(() => socket.closed, 'the end')
  })
})

describe('A stream that breaks the protocol is reset, and others go on', () => {
  const plain = (fields: Readonly<Record<string, string>>) =>
    frame(TYPE.headers, END_HEADERS | END_STREAM, 1, hpack(fields))
  const whole = { ':method': 'POST', ':scheme': 'http', ':path': PATH }
  const faults: Readonly<Record<string, readonly [Buffer, number]>> = {
    'no path': [plain({ ':method': 'POST', ':scheme': 'http' }), 1],
    'an unknown pseudo header': [plain({ ...whole, ':x': 'y' }), 1],
    'a pseudo header behind others': [plain({ ':method': 'POST', ':scheme': 'http', a: 'b', ':path': PATH }), 1],
    'upper case': [plain({ ...whole, 'X-A': 'b' }), 1],
    'a header of connections': [plain({ ...whole, connection: 'close' }), 1],
    'a line feed in a value': [plain({ ...whole, a: 'b\nc' }), 1],
    'another length than it says': [Buffer.concat([headers(1, 0, { 'content-length': '7' }), data(1, framed('x'))]), 1],
    'no credit': [Buffer.concat([headers(1), frame(TYPE.windowUpdate, 0, 1, int32(0))]), 1],
    'too much credit': [Buffer.concat([headers(1), frame(TYPE.windowUpdate, 0, 1, int32(2 ** 31 - 1))]), 3],
    'headers twice': [Buffer.concat([headers(1), headers(1)]), 1],
    'a stream that depends on itself': [
      frame(TYPE.headers, END_HEADERS | 0x20, 1, Buffer.concat([int32(1), Buffer.from([0]), hpack(whole)])),
      1,
    ],
    'DATA behind its end': [Buffer.concat([request(1), data(1, framed('x'))]), 5],
    'more DATA than its window': [
      Buffer.concat([
        frame(TYPE.headers, END_HEADERS, 1, hpack(whole)),
        ...Array.from({ length: 3 }, () => data(1, Buffer.alloc(2 ** 19), 0)),
      ]),
      3,
    ],
  }
  for (const [what, [bytes, code]] of Object.entries(faults))
    test(what, async (t) => {
      const { connect } = await serve(t, echo)
      const connection = connect()
      await connection.write(bytes)
      await until(() => answerOn(connection, 1).reset !== undefined, 'the reset')
      assert.equal(answerOn(connection, 1).reset, code)
      await connection.write(request(3))
      await answered(connection, 3)
      assert.equal(arrivingBytes.held, 0)
    })

  test('but frames that were on the way when we ended it are borne', async (t) => {
    const { connect } = await serve(t, echo)
    const connection = connect()
    const late = data(1, Buffer.alloc(1000), 0)
    await connection.write(Buffer.concat([headers(1, 0, { 'grpc-timeout': 'x' }), late, late]))
    await answered(connection, 1)
    await connection.write(
      Buffer.concat([late, data(1, Buffer.alloc(1)), frame(TYPE.reset, 0, 1, int32(8)), request(3)]),
    )
    await answered(connection, 3)
    assert.equal(answerOn(connection, 1).reset, 0)
    assert.equal(statusOn(connection, 3), '0')
  })

  test('as much of them as a stream has credit for, in whatever pieces', async (t) => {
    const { connect } = await serve(t, echo)
    const connection = connect()
    for (const stream of [1, 3]) {
      const late = data(stream, Buffer.alloc(100), 0)
      await connection.write(headers(stream, 0, { 'grpc-timeout': 'x' }))
      await connection.write(Buffer.concat(Array.from({ length: 10_400 }, () => late)))
    }
    await connection.write(request(5))
    await answered(connection, 5)
    assert.equal(connection.goaway, undefined)
  })
})

describe('A connection that ends in order', () => {
  test('answers what was sent before the client knew', async (t) => {
    const { server, connect } = await serve(t, echo)
    const connection = connect()
    await connection.write(request(1))
    await answered(connection, 1)
    const closing = server.close(NEVER)
    await until(() => goaways(connection).length === 1, 'the first GOAWAY')
    assert.deepEqual(goaways(connection), [2 ** 31 - 1])
    await connection.write(Buffer.concat([request(3), frame(TYPE.ping, 1, 0, pings(connection)[0])]))
    await answered(connection, 3)
    await until(() => connection.closed, 'the end')
    assert.deepEqual(goaways(connection), [2 ** 31 - 1, 3])
    assert.equal(statusOn(connection, 3), '0')
    await closing
  })

  test('waits for its requests, and begins no further ones', async (t) => {
    let finish = () => {}
    const slow = (message: Buffer) => new Promise<Buffer>((resolve) => (finish = () => resolve(message)))
    const { server, connect } = await serve(t, { handle: slow })
    const connection = connect()
    await connection.write(request(1))
    await until(() => connection.frames.length > 0, 'the greeting')
    const closing = server.close(NEVER)
    // It does not answer the ping: that is not waited for long.
    await until(() => goaways(connection).length === 2, 'the last GOAWAY')
    await connection.write(request(3))
    await until(() => answerOn(connection, 3).reset === 7, 'the refusal')
    finish()
    await answered(connection, 1)
    await closing
  })

  test('takes one request of who has only just come', async (t) => {
    const { server, connect } = await serve(t, echo)
    const connection = connect()
    await until(
      () => connection.frames.some(({ type, flags }) => type === TYPE.settings && flags === 1),
      'the greeting',
    )
    const closing = server.close(NEVER)
    await connection.write(request(1))
    await answered(connection, 1)
    await closing
  })
})

describe('A connection is kept alive', () => {
  const parameters = (yaml: string) => `keepalive: { server_parameters: { ${yaml} } }`

  test('by pings, while they are answered', async (t) => {
    const { connect } = await serve(t, echo, parameters('time: 30ms, timeout: 200ms'))
    const connection = connect()
    for (let times = 1; times <= 3; times++) {
      await until(() => pings(connection).length >= times, 'a ping')
      await connection.write(frame(TYPE.ping, 1, 0, pings(connection).at(-1)))
    }
    assert.ok(!connection.closed)
    await until(() => connection.closed, 'the end, when nobody answers')
  })

  test('without requests no longer than it may be idle', async (t) => {
    const { connect } = await serve(t, echo, parameters('max_connection_idle: 60ms'))
    const connection = connect()
    await connection.write(request(1))
    await answered(connection, 1)
    await until(() => connection.closed, 'the end')
    assert.equal(connection.frames.find(({ type }) => type === TYPE.goaway)?.payload.readUInt32BE(4), 0)
  })

  test('beyond its age no longer than its grace', async (t) => {
    const yaml = parameters('max_connection_age: 30ms, max_connection_age_grace: 30ms')
    const { connect } = await serve(t, () => new Promise<Buffer>(() => {}), yaml)
    const connection = connect()
    await connection.write(request(1))
    await until(() => connection.closed, 'the end')
    assert.equal(goaways(connection)[0], 2 ** 31 - 1)
  })

  test('by no more pings of the client than it may send', async (t) => {
    const { connect } = await serve(t, echo)
    const connection = connect()
    for (let times = 0; times < 4; times++) await connection.write(frame(TYPE.ping, 0, 0, Buffer.alloc(8)))
    await until(() => connection.closed, 'the end')
    assert.equal(connection.goaway, 11)
    assert.match(String(connection.frames.find(({ type }) => type === TYPE.goaway)!.payload), /too_many_pings$/)
  })

  test('not with a frame that never ends', async (t) => {
    const { connect } = await serve(t, echo, 'request_timeout: 60ms')
    const connection = connect()
    await connection.write(request(1))
    await answered(connection, 1)
    await connection.write(headers(3).subarray(0, 20))
    await until(() => connection.closed, 'the end')
  })
})

test('A client that takes no answers is not read any further', async (t) => {
  const { port } = await serve(t, async () => Buffer.alloc(60_000), 'max_concurrent_streams: 1000')
  const deaf = disposing(t, new RawConnection(port, setting(4, 2 ** 30)))
  deaf.socket.pause()
  await deaf.write(frame(TYPE.windowUpdate, 0, 0, int32(2 ** 30)))
  let stream = -1
  let isStuck = false
  for (let rounds = 0; rounds < 2000 && !isStuck && !deaf.socket.destroyed; rounds++) {
    const written = deaf.write(
      Buffer.concat(Array.from({ length: 100 }, () => request((stream += 2), Buffer.alloc(500)))),
    )
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, 500, 'late'))
    isStuck = (await Promise.race([written, late])) === 'late'
  }
  // Or it is told that it has too many streams open.
  assert.ok(isStuck || deaf.socket.destroyed, 'all was taken')
})
