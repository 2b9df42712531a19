import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { Refused } from '../../../src/component/refused.ts'
import { Slab } from '../../../src/data/memory/slab.ts'
import { arrivingBytes, MOST_ARRIVING } from '../../../src/transport/http2/arriving-bytes.ts'
import type { SlabMethod, UnaryCall } from '../../../src/transport/unary.ts'
import { END_HEADERS, END_STREAM, frame, hpack, int32, setting, TYPE } from '../raw-http2.ts'
import type { RawConnection } from '../raw-http2.ts'
import { until } from '../until.ts'
import { answerOn, data, echo, framed, headers, PATH, request, serve, statusOn } from './serving.ts'

const MIB = 2 ** 20

/** Slabs that are counted. */
class Slabs {
  readonly asked: number[] = []
  open = 0
  readonly #home = { put: () => void this.open-- }
  readonly make = (bytes: number): Slab => {
    this.asked.push(bytes)
    this.open++
    return new Slab(Buffer.alloc(Math.max(1, bytes)), undefined, this.#home)
  }
  /** Answers how long the message is. */
  method(more: Partial<SlabMethod> = {}): SlabMethod {
    return {
      room: this.make,
      reserve: this.make,
      async take({ slab, length }) {
        slab.release()
        return Buffer.from(String(length))
      },
      ...more,
    }
  }
}

const answered = (connection: RawConnection, stream: number): Promise<void> =>
  until(() => answerOn(connection, stream).isWhole, `the answer on ${stream}`)

describe('Messages', () => {
  test('arrive whole however the bytes are cut', async (t) => {
    const { connect } = await serve(t, echo)
    const sizes = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 4 })
    const cuts = fc.array(fc.nat(), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, cuts, async (bodies, places) => {
        const connection = connect()
        const all = Buffer.concat(bodies.map((size, index) => request(index * 2 + 1, Buffer.alloc(size, index + 1))))
        const ends = [...places.map((place) => place % all.length), all.length].toSorted((a, b) => a - b)
        let from = 0
        for (const to of ends) {
          await connection.write(all.subarray(from, to))
          from = to
          await new Promise((resolve) => setImmediate(resolve))
        }
        for (const [index, size] of bodies.entries()) {
          await answered(connection, index * 2 + 1)
          assert.deepEqual(answerOn(connection, index * 2 + 1).body, framed(Buffer.alloc(size, index + 1)))
        }
        connection.socket.destroy()
      }),
      { numRuns: 25 },
    )
  })

  test('grow as they come, and not by the word of their sender', async (t) => {
    const slabs = new Slabs()
    const { connect } = await serve(t, slabs.method())
    const connection = connect()
    await connection.write(Buffer.concat([headers(1), data(1, framed(Buffer.alloc(1), 0, 4 * MIB), 0)]))
    await until(() => slabs.asked.length > 0, 'the beginning')
    assert.deepEqual(slabs.asked, [1024])
    for (let sent = 1; sent < 500_000; sent += 10_000) await connection.write(data(1, Buffer.alloc(10_000), 0))
    await until(() => slabs.asked.length > 2, 'more')
    slabs.asked.forEach((bytes, index) => assert.ok(bytes <= 1024 * 9 ** (index + 2), `${bytes}`))
    assert.equal(slabs.open, 1)
    connection.socket.destroy()
    await until(() => slabs.open === 0 && arrivingBytes.held === 0, 'the memory')
  })

  test('of twenty MiB come through the windows, compressed or not', async (t) => {
    const slabs = new Slabs()
    const { port } = await serve(t, slabs.method())
    const session = http2.connect(`http://127.0.0.1:${port}`)
    t.after(() => session.destroy())
    const body = Buffer.alloc(20 * MIB, 'telemetry ')
    for (const coding of ['identity', 'gzip', 'zstd']) {
      const sent =
        coding === 'gzip' ? zlib.gzipSync(body, { level: 0 }) : coding === 'zstd' ? zlib.zstdCompressSync(body) : body
      const stream = session.request({
        ':method': 'POST',
        ':path': PATH,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-encoding': coding,
      })
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.end(framed(sent, coding === 'identity' ? 0 : 1))
      await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
      assert.equal(String(Buffer.concat(chunks).subarray(5)), String(body.length), coding)
    }
    assert.equal(slabs.open, 0)
    assert.equal(arrivingBytes.held, 0)
  })

  test('that a chunk finishes are handed over when it is read: not those that it takes back', async (t) => {
    const handled: string[] = []
    const { connect } = await serve(t, async (message) => (handled.push(String(message)), message))
    const connection = connect()
    const reset = frame(TYPE.reset, 0, 3, int32(8))
    await connection.write(Buffer.concat([request(1, 'one'), request(3, 'two'), request(5, 'three'), reset]))
    await answered(connection, 5)
    assert.deepEqual(handled, ['one', 'three'])
  })

  test('that are none are INTERNAL, in the words of what is wrong', async (t) => {
    const slabs = new Slabs()
    const { connect } = await serve(t, slabs.method())
    const connection = connect()
    const wrong: readonly (readonly [Buffer, RegExp])[] = [
      [headers(1, END_STREAM), /no message/],
      [Buffer.concat([headers(3), data(3, Buffer.alloc(3))]), /ends before its message/],
      [Buffer.concat([headers(5), data(5, framed('x', 0, 7))]), /ends before its message/],
      [Buffer.concat([headers(7), data(7, framed('x', 2))]), /unknown flag 2/],
      [Buffer.concat([headers(9), data(9, framed('x', 1))]), /without a grpc-encoding/],
      [Buffer.concat([headers(11, 0, { 'grpc-encoding': 'gzip' }), data(11, framed('x', 1))]), /Failed to decompress/],
      [headers(13, END_STREAM, { 'grpc-timeout': '5' }), /malformed grpc-timeout/],
    ]
    for (const [index, [bytes, words]] of wrong.entries()) {
      const stream = index * 2 + 1
      await connection.write(bytes)
      await answered(connection, stream)
      const { headers: found } = answerOn(connection, stream)
      assert.equal(found.get('grpc-status'), '13')
      assert.match(found.get('grpc-message')!, words)
    }
    assert.equal(slabs.open, 0)
    assert.equal(arrivingBytes.held, 0)
  })

  test('that find no memory may be sent again', async (t) => {
    const { connect } = await serve(t, new Slabs().method())
    arrivingBytes.take(MOST_ARRIVING - 500)
    t.after(() => arrivingBytes.give(MOST_ARRIVING - 500))
    const connection = connect()
    await connection.write(request(1, Buffer.alloc(1000)))
    await answered(connection, 1)
    assert.equal(statusOn(connection, 1), '8')
    assert.ok(answerOn(connection, 1).headers.has('grpc-status-details-bin'))
  })

  test('wait for room in the client, and go on when there is some', async (t) => {
    const slabs = new Slabs()
    const give: (() => void)[] = []
    const room = (bytes: number) => new Promise<Slab>((resolve) => give.push(() => resolve(slabs.make(bytes))))
    const { connect } = await serve(t, slabs.method({ room }))
    const connection = connect()
    await connection.write(Buffer.concat([headers(1), data(1, framed(Buffer.alloc(3000)).subarray(0, 100), 0)]))
    await until(() => give.length === 1, 'the question')
    await connection.write(data(1, Buffer.alloc(2905)))
    await connection.write(request(3))
    await until(() => give.length === 2, 'the other question')
    assert.ok(arrivingBytes.held > 2905)
    give.forEach((one) => one())
    await answered(connection, 1)
    await answered(connection, 3)
    assert.equal(String(answerOn(connection, 1).body.subarray(5)), '3000')
    assert.equal(arrivingBytes.held, 0)
  })

  test('that come byte by byte while they wait are counted as what they take', async (t) => {
    const slabs = new Slabs()
    let give = () => {}
    const room = (bytes: number) => new Promise<Slab>((resolve) => (give = () => resolve(slabs.make(bytes))))
    const { connect } = await serve(t, slabs.method({ room }))
    const connection = connect()
    const bytes = data(1, framed(Buffer.alloc(100)))
    await connection.write(Buffer.concat([headers(1), bytes.subarray(0, 20)]))
    await until(() => arrivingBytes.held > 0, 'the beginning')
    for (let at = 20; at < bytes.length - 1; at++) {
      const before = arrivingBytes.held
      await connection.write(bytes.subarray(at, at + 1))
      await until(() => arrivingBytes.held > before, 'the byte')
    }
    assert.ok(arrivingBytes.held > 80 * 100, `${arrivingBytes.held}`)
    give()
    await connection.write(bytes.subarray(-1))
    await answered(connection, 1)
    assert.equal(String(answerOn(connection, 1).body.subarray(5)), '100')
    assert.equal(arrivingBytes.held, 0)
  })

  test('that nobody waits for any more let go of their room when it comes', async (t) => {
    const slabs = new Slabs()
    let give = () => {}
    const room = (bytes: number) => new Promise<Slab>((resolve) => (give = () => resolve(slabs.make(bytes))))
    let aborted = false
    const method = slabs.method({
      room(bytes, _, call) {
        call.abort.addEventListener('abort', () => (aborted = true))
        return room(bytes)
      },
    })
    const { connect } = await serve(t, method)
    const connection = connect()
    await connection.write(Buffer.concat([request(1), frame(TYPE.reset, 0, 1, int32(8))]))
    await until(() => aborted, 'the end')
    give()
    await until(() => slabs.asked.length === 1 && slabs.open === 0, 'the memory')
    assert.equal(arrivingBytes.held, 0)
  })
})

describe('Requests', () => {
  test('that are no gRPC are told so', async (t) => {
    const { connect } = await serve(t, echo)
    const connection = connect()
    const plain = (stream: number, fields: Record<string, string>) =>
      frame(TYPE.headers, END_HEADERS | END_STREAM, stream, hpack({ ':scheme': 'http', ':path': PATH, ...fields }))
    await connection.write(
      Buffer.concat([
        plain(1, { ':method': 'GET' }),
        plain(3, { ':method': 'POST', 'content-type': 'application/json' }),
        plain(5, { ':method': 'HEAD', 'content-type': 'application/grpc' }),
        plain(7, { ':method': 'POST', 'content-type': 'application/grpcx' }),
      ]),
    )
    await answered(connection, 7)
    const found = [1, 3, 5, 7].map((stream) => answerOn(connection, stream).headers.get(':status'))
    assert.deepEqual(found, ['405', '415', '405', '415'])
    assert.match(String(answerOn(connection, 1).body), /POST/)
    const { headers } = answerOn(connection, 3)
    assert.equal(headers.get('grpc-status'), '3')
    assert.match(headers.get('grpc-message') ?? '', /content-type "application\/json"/)
  })

  test('tell their method the metadata of the client, and nothing of the transport', async (t) => {
    let call: UnaryCall | undefined
    const { connect } = await serve(t, async (message, asked) => ((call = asked), message))
    const more = { 'x-one': '1', 'x-bin': 'AQL_,AQ', 'grpc-timeout': '5S', 'user-agent': 'me' }
    await connect().write(Buffer.concat([headers(1, 0, more), data(1, framed('x'))]))
    await until(() => call !== undefined, 'the call')
    assert.deepEqual(
      [...call!.metadata],
      [
        ['x-one', ['1']],
        ['x-bin', ['AQL/', 'AQ==']],
        ['user-agent', ['me']],
      ],
    )
    assert.match(call!.peer, /^127\.0\.0\.1:\d+$/)
  })

  test('have no more binary values in one header than headers of their own', async (t) => {
    const { connect } = await serve(t, echo)
    const connection = connect()
    for (const [stream, values] of [500, 4000].entries()) {
      const id = stream * 2 + 1
      await connection.write(Buffer.concat([headers(id, 0, { 'x-bin': ','.repeat(values) }), data(id, framed('x'))]))
      await answered(connection, id)
    }
    assert.deepEqual([statusOn(connection, 1), statusOn(connection, 3)], ['0', '8'])
    assert.match(answerOn(connection, 3).headers.get('grpc-message')!, /headers are too large/)
  })

  test('are answered at their deadline, and their method is told', async (t) => {
    let reason: unknown
    const { connect } = await serve(t, async (_, { abort }) => {
      await new Promise((resolve) => abort.addEventListener('abort', resolve))
      reason = abort.reason
      return Buffer.alloc(0)
    })
    const connection = connect()
    await connection.write(Buffer.concat([headers(1, 0, { 'grpc-timeout': '20m' }), data(1, framed('x'))]))
    await answered(connection, 1)
    assert.equal(statusOn(connection, 1), '4')
    assert.equal((reason as Refused).code, 'deadline_exceeded')
  })

  test('wait for an authenticator that asks elsewhere, message and all', async (t) => {
    const judge: ((isGood: boolean) => void)[] = []
    const authenticator = {
      challenge: '',
      authenticate: () =>
        new Promise<{ subject: string }>((resolve, reject) =>
          judge.push((isGood) =>
            isGood
              ? resolve({ subject: 'me' })
              : reject(new Refused('who are you', { code: 'unauthenticated', retry: 'never' })),
          ),
        ),
    }
    const method = async (message: Buffer, { auth }: UnaryCall) =>
      Buffer.from(`${String(message)} ${String(auth?.['subject'])}`)
    const { connect } = await serve(t, method, '{}', { authenticator })
    const connection = connect()
    await connection.write(Buffer.concat([request(1, 'one'), request(3, 'two')]))
    await until(() => judge.length === 2, 'the questions')
    judge[1]!(false)
    await answered(connection, 3)
    judge[0]!(true)
    await answered(connection, 1)
    assert.equal(String(answerOn(connection, 1).body.subarray(5)), 'one me')
    assert.equal(statusOn(connection, 3), '16')
    assert.equal(arrivingBytes.held, 0)
  })

  test('whose limiter fails are INTERNAL, also when an authenticator was waited for', async (t) => {
    const limiter = {
      refuse: () => {
        throw new TypeError('a bug')
      },
      took() {},
    }
    const authenticator = { challenge: '', authenticate: async () => undefined }
    for (const serving of [{ limiter }, { limiter, authenticator }]) {
      const { connect } = await serve(t, echo, '{}', serving)
      const connection = connect()
      await connection.write(request(1))
      await answered(connection, 1)
      assert.equal(statusOn(connection, 1), '13')
    }
  })

  test('whose limiter fails when it is told of their bytes are INTERNAL, and hold nothing', async (t) => {
    const slabs = new Slabs()
    const limiter = {
      refuse: () => undefined,
      took: () => {
        throw new TypeError('a bug')
      },
    }
    const authenticator = { challenge: '', authenticate: async () => undefined }
    for (const serving of [{ limiter }, { limiter, authenticator }]) {
      const { connect } = await serve(t, slabs.method(), '{}', serving)
      const connection = connect()
      await connection.write(request(1))
      await answered(connection, 1)
      assert.equal(statusOn(connection, 1), '13')
    }
    assert.equal(slabs.open, 0)
  })

  test('beyond the streams of a connection are refused unbegun, and may be sent again', async (t) => {
    const finish: (() => void)[] = []
    const { connect } = await serve(
      t,
      (message) => new Promise((resolve) => finish.push(() => resolve(message))),
      'max_concurrent_streams: 2',
    )
    const connection = connect()
    await connection.write(Buffer.concat([request(1), request(3), request(5)]))
    await until(() => answerOn(connection, 5).reset === 7, 'the refusal')
    finish.forEach((one) => one())
    await answered(connection, 3)
    await connection.write(request(7))
    await until(() => finish.length === 3, 'the next')
    finish[2]!()
    await answered(connection, 7)
  })

  test('that are given up count as under way until their method has done so', async (t) => {
    const finish: (() => void)[] = []
    const { connect } = await serve(
      t,
      (message) => new Promise((resolve) => finish.push(() => resolve(message))),
      'max_concurrent_streams: 2',
    )
    const connection = connect()
    for (const stream of [1, 3, 5, 7]) {
      await connection.write(request(stream))
      await until(() => finish.length === (stream + 1) / 2, 'the call')
      await connection.write(frame(TYPE.reset, 0, stream, int32(8)))
    }
    await connection.write(request(9))
    await until(() => answerOn(connection, 9).reset === 7, 'the refusal')
    finish.forEach((one) => one())
    await connection.write(request(11))
    await until(() => finish.length === 5, 'the next call')
  })
})

describe('Answers', () => {
  test('wait for the windows of the client', async (t) => {
    const { connect } = await serve(t, async () => Buffer.alloc(40_000, 'a'))
    const connection = connect(setting(4, 0))
    await connection.write(request(1))
    await until(() => answerOn(connection, 1).headers.has(':status'), 'the head')
    const size = () => answerOn(connection, 1).body.length
    await connection.write(frame(TYPE.windowUpdate, 0, 1, int32(7)))
    await until(() => size() === 7, 'seven bytes')
    await connection.write(frame(TYPE.settings, 0, 0, setting(4, 10)))
    await until(() => size() === 17, 'ten more')
    await connection.write(frame(TYPE.windowUpdate, 0, 1, int32(100_000)))
    await answered(connection, 1)
    assert.ok(answerOn(connection, 1).body.equals(framed(Buffer.alloc(40_000, 'a'))))
    assert.equal(statusOn(connection, 1), '0')
  })

  test('that are empty wait for them, too', async (t) => {
    const { connect } = await serve(t, async () => Buffer.alloc(0))
    const connection = connect(setting(4, 3))
    await connection.write(request(1))
    await until(() => answerOn(connection, 1).body.length === 3, 'three bytes')
    await connection.write(frame(TYPE.windowUpdate, 0, 1, int32(2)))
    await answered(connection, 1)
    assert.deepEqual(answerOn(connection, 1).body, Buffer.alloc(5))
  })

  test('are understood by a client without a table of headers', async (t) => {
    const { port } = await serve(t, async () => Buffer.alloc(0))
    const session = http2.connect(`http://127.0.0.1:${port}`, { settings: { headerTableSize: 0 } })
    t.after(() => session.destroy())
    for (let index = 0; index < 5; index++) {
      const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' })
      let trailers: http2.IncomingHttpHeaders = {}
      stream.on('trailers', (found) => (trailers = found))
      stream.resume().end(framed('x'))
      await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
      assert.equal(trailers['grpc-status'], '0')
    }
  })
})
