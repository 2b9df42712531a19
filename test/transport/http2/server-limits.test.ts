import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../../src/component/refused.ts'
import { Slab } from '../../../src/data/memory/slab.ts'
import {
  arrivingBytes,
  ArrivingShare,
  MOST_ARRIVING,
  MOST_OF_A_CONNECTION,
} from '../../../src/transport/http2/arriving-bytes.ts'
import { Allowance } from '../../../src/transport/http2/flood.ts'
import { HeaderList, headerField } from '../../../src/transport/http2/hpack/header-list.ts'
import { Keepalive } from '../../../src/transport/http2/keepalive.ts'
import { CONNECTION_WINDOW, ReceiveCredit } from '../../../src/transport/http2/receive-credit.ts'
import { RequestHead } from '../../../src/transport/http2/request-head.ts'
import { ServerStream } from '../../../src/transport/http2/server-stream.ts'
import type { StreamHome } from '../../../src/transport/http2/stream-home.ts'
import type { SlabMethod } from '../../../src/transport/unary.ts'
import { END_STREAM, TYPE } from '../raw-http2.ts'
import type { RawConnection } from '../raw-http2.ts'
import { until } from '../until.ts'
import { answerOn, data, echo, framed, headers, serve, statusOn } from './serving.ts'

const MIB = 2 ** 20

describe('Credit for what arrives', () => {
  test('is given back at once while messages arrive, and withheld while too much is unanswered', () => {
    const credit = new ReceiveCredit()
    credit.received(3 * MIB)
    assert.equal(credit.due(), 0)
    credit.received(2 * MIB)
    assert.equal(credit.due(), 5 * MIB)
    credit.handedOver(17 * MIB)
    credit.received(10 * MIB)
    assert.equal(credit.due(), 0)
    credit.answered(2 * MIB)
    assert.equal(credit.due(), 10 * MIB)
  })

  test('is all that there is', () => {
    const credit = new ReceiveCredit()
    credit.received(CONNECTION_WINDOW)
    assert.throws(() => credit.received(1), { code: 3 })
  })
})

test('An allowance comes back with time, and with what is useful', () => {
  const allowance = new Allowance(10, 2, 'too_much', 0)
  allowance.spend(10, 0)
  assert.throws(() => allowance.spend(1, 0), { code: 11, message: 'too_much' })
  const other = new Allowance(10, 2, 'too_much', 0)
  other.spend(10, 0)
  other.spend(3, 2000)
  other.earn(100)
  other.spend(10, 2000)
  assert.throws(() => other.spend(1, 2000))
})

describe('What is due on a connection', () => {
  const options = {
    max_connection_idle: 0,
    max_connection_age: 0,
    max_connection_age_grace: 0,
    time: 1000,
    timeout: 200,
  }

  test('is a ping after silence, and its end without an answer', () => {
    const keepalive = new Keepalive(options, 0)
    assert.equal(keepalive.next, 1000)
    assert.equal(keepalive.look(999), undefined)
    assert.equal(keepalive.look(1000), 'ping')
    assert.equal(keepalive.next, 1200)
    assert.equal(keepalive.look(1199), undefined)
    keepalive.read(1199)
    assert.equal(keepalive.next, 2199)
    assert.equal(keepalive.look(2199), 'ping')
    assert.equal(keepalive.look(2399), 'end')
  })

  test('is its drain when it was idle, but not while it has requests', () => {
    const keepalive = new Keepalive({ ...options, time: 0, max_connection_idle: 500 }, 0)
    keepalive.idle(false, 100)
    assert.equal(keepalive.look(700), undefined)
    assert.equal(keepalive.next, Infinity)
    keepalive.idle(true, 700)
    assert.equal(keepalive.look(1199), undefined)
    assert.equal(keepalive.look(1200), 'drain')
    assert.equal(keepalive.look(5000), undefined)
  })

  test('is its drain at its age, a tenth sooner or later, and its end after the grace', () => {
    const ages = new Set<number>()
    for (let index = 0; index < 20; index++) {
      const keepalive = new Keepalive(
        { ...options, time: 0, max_connection_age: 1000, max_connection_age_grace: 50 },
        0,
      )
      const { next } = keepalive
      ages.add(next)
      assert.ok(next >= 900 && next <= 1100)
      assert.equal(keepalive.look(next), 'drain')
      assert.equal(keepalive.look(next + 49), undefined)
      assert.equal(keepalive.look(next + 50), 'end')
    }
    assert.ok(ages.size > 1)
  })
})

describe('A message that arrives', () => {
  const method: SlabMethod = {
    room: (bytes) => new Slab(Buffer.alloc(Math.max(1, bytes))),
    reserve: (bytes) => new Slab(Buffer.alloc(bytes)),
    take: async () => Buffer.alloc(0),
  }
  const fields = Object.entries({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': '/x',
    'content-type': 'application/grpc',
  }).map(([name, value]) => headerField(name, value))

  const arriving = (patience: number) => {
    const refusals: Refused[] = []
    const home: StreamHome<ServerStream> = {
      peer: '',
      largest: MIB,
      patience,
      complete() {},
      refuse: (_, refused) => void refusals.push(refused),
      failed: (_, error) => void refusals.push(Refused.from(error)),
      arriving: new ArrivingShare(),
      fault() {},
      credit() {},
      due() {},
    }
    const head = new RequestHead(new HeaderList(fields, false), new Map([['/x', method]]))
    const stream = new ServerStream(1, head, method, home, 0)
    stream.expectArrival(0)
    return { stream, refusals }
  }
  const CANCELLED = new Refused('', { code: 'cancelled', retry: {} })
  const feed = (stream: ServerStream, bytes: Buffer) => stream.data(bytes, 0, bytes.length)

  test('brings a KiB in ten seconds, or is given up', () => {
    const { stream } = arriving(60_000)
    feed(stream, framed(Buffer.alloc(1), 0, 100_000))
    assert.equal(stream.look(9_999), 10_000)
    feed(stream, Buffer.alloc(2000))
    assert.equal(stream.look(10_000), 20_000)
    feed(stream, Buffer.alloc(1000))
    assert.equal(stream.look(20_000), 'slow')
    stream.cancel(CANCELLED)
    assert.equal(arrivingBytes.held, 0)
  })

  test('brings it in one second where memory is tight', () => {
    const { stream } = arriving(60_000)
    arrivingBytes.take(MOST_ARRIVING * 0.6)
    feed(stream, framed(Buffer.alloc(1), 0, 100_000))
    stream.expectArrival(0)
    feed(stream, Buffer.alloc(500))
    assert.equal(stream.look(1000), 'slow')
    stream.cancel(CANCELLED)
    arrivingBytes.give(MOST_ARRIVING * 0.6)
    assert.equal(arrivingBytes.held, 0)
  })

  test('is there in its time, however fast it comes', () => {
    const { stream } = arriving(5000)
    feed(stream, framed(Buffer.alloc(1), 0, 100_000))
    assert.equal(stream.look(4999), 5000)
    assert.equal(stream.look(5000), 'slow')
    stream.cancel(CANCELLED)
  })
})

test('A thousand senders that promise 4 MiB and send a byte keep next to nothing', async (t) => {
  const { connect } = await serve(t, echo)
  const connections = Array.from({ length: 10 }, () => connect())
  const promises = Buffer.concat(
    Array.from({ length: 100 }, (_, index) => [
      headers(index * 2 + 1),
      data(index * 2 + 1, framed(Buffer.alloc(1), 0, 4 * MIB), 0),
    ]).flat(),
  )
  await Promise.all(connections.map((connection) => connection.write(promises)))
  await until(() => arrivingBytes.held >= 1000 * 1024, 'all of them')
  assert.ok(arrivingBytes.held <= 1000 * 1024, `${arrivingBytes.held}`)
  connections.forEach(({ socket }) => socket.destroy())
  await until(() => arrivingBytes.held === 0, 'the memory')
})

test('Three connections whose messages never become whole leave room for others', async (t) => {
  // Who holds memory and makes no progress is given up within a second: here within ten, however slow the machine.
  const now = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => now() / 10)
  const { connect } = await serve(t, async () => Buffer.alloc(0))
  const greedy = Array.from({ length: 3 }, () => connect())
  const half = (stream: number) =>
    Buffer.concat([headers(stream), data(stream, framed(Buffer.alloc(1_000_000), 0, 60 * MIB), 0)])
  const isRefused = (connection: RawConnection) => connection.frames.some(({ type }) => type === TYPE.headers)
  for (const connection of greedy)
    for (let stream = 1; stream < 199 && !isRefused(connection); stream += 2) {
      const before = arrivingBytes.held
      await connection.write(half(stream))
      await until(() => isRefused(connection) || arrivingBytes.held >= before + 1_000_000, 'what they hold')
    }
  assert.ok(greedy.every(isRefused))
  assert.ok(arrivingBytes.held > MOST_ARRIVING / 2, `${arrivingBytes.held}`)
  const other = connect()
  await other.write(Buffer.concat([headers(1), data(1, framed('', 0, 4 * MIB), 0)]))
  for (let quarters = 1; quarters <= 16; quarters++)
    await other.write(data(1, Buffer.alloc(MIB / 4), quarters === 16 ? END_STREAM : 0))
  await until(() => answerOn(other, 1).isWhole, 'the answer')
  assert.equal(statusOn(other, 1), '0')
  greedy.forEach(({ socket }) => socket.destroy())
  await until(() => arrivingBytes.held === 0, 'the memory')
})

test('A connection holds as much of what arrives as it leaves free', () => {
  const shares = Array.from({ length: 4 }, () => new ArrivingShare())
  const held = shares.map((share) => {
    let bytes = 0
    while (share.take(MIB)) bytes += MIB
    return bytes
  })
  assert.deepEqual(
    held.map((bytes) => bytes / MIB),
    [64, 32, 16, 8],
  )
  assert.equal(held[0], MOST_OF_A_CONNECTION)
  shares.forEach((share, index) => share.give(held[index]!))
  assert.equal(arrivingBytes.held, 0)
})

test('A message that no connection has room for is refused for good, whatever the options allow', async (t) => {
  const { connect } = await serve(t, echo, 'max_recv_msg_size_mib: 1024')
  const connection = connect()
  await connection.write(Buffer.concat([headers(1), data(1, framed('', 0, MOST_OF_A_CONNECTION + 1), 0)]))
  await until(() => answerOn(connection, 1).isWhole, 'the answer')
  assert.equal(statusOn(connection, 1), '8')
  assert.ok(!answerOn(connection, 1).headers.has('grpc-status-details-bin'))
})
