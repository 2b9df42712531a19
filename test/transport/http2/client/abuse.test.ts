import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../../../src/component/refused.ts'
import { frame, int32, setting, TYPE } from '../../raw-http2.ts'
import { until } from '../../until.ts'
import { caller, headers, OK, rawServer } from './raw-server.ts'
import type { RawPeer } from './raw-server.ts'

const times = (count: number, one: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => one))
const FLOW_CONTROL = 3
const FRAME_SIZE = 6
const COMPRESSION = 9
const CALM = 11
const PROTOCOL = 1

/** What a server sends again and again while a request waits for its answer, and the code of the GOAWAY with which that ends. */
const FLOODS: Readonly<Record<string, readonly [Buffer, number]>> = {
  SETTINGS: [times(500, frame(TYPE.settings, 0, 0, setting(4, 65_535))), CALM],
  'acknowledgements of SETTINGS': [times(500, frame(TYPE.settings, 1, 0)), CALM],
  PING: [times(500, frame(TYPE.ping, 0, 0, Buffer.alloc(8))), CALM],
  'answers to pings that nobody sent': [times(500, frame(TYPE.ping, 1, 0, Buffer.alloc(8))), CALM],
  PRIORITY: [times(500, frame(TYPE.priority, 0, 1, Buffer.alloc(5))), CALM],
  'credit for the connection': [times(500, frame(TYPE.windowUpdate, 0, 0, int32(1))), CALM],
  'frames of no known kind': [times(500, frame(200, 0, 0, Buffer.alloc(4))), CALM],
  'empty DATA': [times(500, frame(TYPE.data, 0, 1)), CALM],
  'resets of a stream that has ended': [times(500, frame(TYPE.reset, 0, 1, int32(8))), CALM],
}

/** Sent once. */
const BLOWS: Readonly<Record<string, readonly [Buffer, number]>> = {
  'a frame that is too large': [frame(TYPE.headers, 4, 1, Buffer.alloc(16_385)), FRAME_SIZE],
  'a push': [frame(5, 4, 1, Buffer.alloc(8)), PROTOCOL],
  'DATA on a stream that was never begun': [frame(TYPE.data, 0, 99, Buffer.alloc(1)), PROTOCOL],
  'headers on a stream of its own': [headers(2, OK), PROTOCOL],
  'no credit for the connection': [frame(TYPE.windowUpdate, 0, 0, int32(0)), PROTOCOL],
  'credit beyond all windows': [times(2, frame(TYPE.windowUpdate, 0, 0, int32(2 ** 31 - 1))), FLOW_CONTROL],
  'a window beyond all': [frame(TYPE.settings, 0, 0, setting(4, 2 ** 31)), FLOW_CONTROL],
  'settings of half a length': [frame(TYPE.settings, 0, 0, Buffer.alloc(5)), FRAME_SIZE],
  'settings on a stream': [frame(TYPE.settings, 0, 1), PROTOCOL],
  'headers that are no HPACK': [frame(TYPE.headers, 4, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])), COMPRESSION],
  'a header block without an end': [
    Buffer.concat([frame(TYPE.headers, 0, 1, Buffer.alloc(0)), times(1000, frame(TYPE.continuation, 0, 1))]),
    CALM,
  ],
  'the rest of a header block that never began': [frame(TYPE.continuation, 4, 1), PROTOCOL],
  'a header block that something interrupts': [
    Buffer.concat([frame(TYPE.headers, 0, 1, Buffer.alloc(0)), frame(TYPE.ping, 0, 0, Buffer.alloc(8))]),
    PROTOCOL,
  ],
  'more DATA than it has credit for': [
    Buffer.concat([
      headers(1, OK),
      frame(TYPE.data, 0, 1, Buffer.concat([Buffer.from([0]), int32(4 * 2 ** 20), Buffer.alloc(16_000)])),
      times(5000, frame(TYPE.data, 0, 1, Buffer.alloc(16_384))),
    ]),
    -1,
  ],
}

const LIMIT = 10_000

describe('A server that abuses its client', () => {
  for (const [what, [more, code]] of Object.entries(FLOODS))
    test(`by a flood of ${what} loses the connection, and the next request goes by another`, async (t) => {
      const server = await rawServer(t, {
        heard(peer, { type, stream }) {
          if (type === TYPE.data && server.peers.length === 1) void flood(peer, more)
          else if (type === TYPE.data) peer.answer(stream)
        },
      })
      await lost(t, server, code)
    })

  for (const [what, [blow, code]] of Object.entries(BLOWS))
    test(`by ${what} loses the connection or the request`, async (t) => {
      const server = await rawServer(t, {
        heard(peer, { type }) {
          if (type === TYPE.data && server.peers.length === 1) peer.send(blow)
          else if (type === TYPE.data) peer.answer(1)
        },
      })
      await lost(t, server, code)
    })

  test('by answers that never end keeps no more than 32 MiB of them', async (t) => {
    const server = await rawServer(t, {
      heard(peer, { type, stream }) {
        if (type !== TYPE.data) {
          // Each piece of credit is used.
          if (type === TYPE.windowUpdate && stream > 0) peer.send(frame(TYPE.data, 0, stream, Buffer.alloc(16_384)))
          return
        }
        peer.send(headers(stream, OK))
        peer.send(frame(TYPE.data, 0, stream, Buffer.concat([Buffer.from([0]), int32(4 * 2 ** 20), Buffer.alloc(11)])))
        peer.send(frame(TYPE.data, 0, stream, Buffer.alloc(16_384)), frame(TYPE.data, 0, stream, Buffer.alloc(16_384)))
      },
    })
    const call = await caller(t, server.port)
    const abort = new AbortController()
    const before = process.memoryUsage().arrayBuffers
    const called = Promise.allSettled(Array.from({ length: 100 }, () => call('x', { abort: abort.signal, timeout: 0 })))
    const began = performance.now()
    let most = 0
    while (performance.now() - began < 500) {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
      await new Promise((resolve) => setImmediate(resolve))
    }
    abort.abort()
    await called
    assert.ok(most < 100 * 2 ** 20, `${most} bytes`)
  })

  test('by trailers for a request that was given up is not heeded', async (t) => {
    const server = await rawServer(t, {
      heard(peer, { type, stream }) {
        if (type === TYPE.reset) peer.answer(stream)
        else if (type === TYPE.data && stream > 1) peer.answer(stream)
        // Something must be heard, or the connection is left.
        else if (type === TYPE.data) peer.send(frame(TYPE.ping, 0, 0, Buffer.alloc(8)))
      },
    })
    const call = await caller(t, server.port)
    await assert.rejects(call('x', { timeout: 100 }), { code: 'deadline_exceeded' })
    assert.equal(await call(), 'x')
    assert.equal(server.peers.length, 1)
  })

  test('by HTTP/1.1 is told apart', async (t) => {
    const server = await rawServer(t, { first: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') })
    const call = await caller(t, server.port)
    await assert.rejects(call(), (error: Refused) => error.code === 'unavailable' && /HTTP\/2/.test(error.message))
  })
})

async function flood(peer: RawPeer, more: Buffer): Promise<void> {
  // What it sends on its own stream goes on after that has ended.
  const began = performance.now()
  while (!peer.closed && performance.now() - began < LIMIT)
    await new Promise((resolve) => (peer.socket.write(more), setImmediate(resolve)))
}

async function lost(t: Parameters<typeof caller>[0], server: Awaited<ReturnType<typeof rawServer>>, code: number) {
  const call = await caller(t, server.port)
  const outcome = await call('x', { timeout: LIMIT }).catch((error: unknown) => error)
  assert.ok(outcome instanceof Refused, String(outcome))
  const peer = server.peers[0] as RawPeer
  if (code < 0) return assert.notEqual(outcome.code, 'deadline_exceeded')
  await until(() => peer.closed, 'the connection to be closed')
  if (peer.goaway !== undefined) assert.equal(peer.goaway, code)
  else assert.match(outcome.message, /broke the rules of HTTP\/2|RST_STREAM/)
  assert.equal(await call('y', { timeout: LIMIT }), 'x')
}
