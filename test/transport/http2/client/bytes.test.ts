import assert from 'node:assert/strict'
import type net from 'node:net'
import { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Cancellation } from '../../../../src/component/cancellation.ts'
import { Refused } from '../../../../src/component/refused.ts'
import { Call } from '../../../../src/transport/http2/client/call.ts'
import { Deadlines } from '../../../../src/transport/http2/client/deadlines.ts'
import { RequestHeaders } from '../../../../src/transport/http2/client/headers.ts'
import { ClientSession } from '../../../../src/transport/http2/client/session.ts'
import { frame, int32, setting, TYPE } from '../../raw-http2.ts'
import { until } from '../../until.ts'
import { caller, connected, PATH, rawServer } from './raw-server.ts'
import type { RawPeer } from './raw-server.ts'

const WIDE = frame(TYPE.settings, 0, 0, setting(4, 2 ** 31 - 1))
const MIB = 2 ** 20

/** A server that gives all credit and reads nothing before it is told to. */
async function stalled(t: TestContext) {
  const server = await rawServer(t, { first: WIDE })
  const call = await caller(t, server.port)
  await call('x', { timeout: 100 }).catch(() => {})
  await connected(server)
  return { server, call }
}

/** All of the DATA that has come is as it was before the caller had its memory back. */
function bytesOf(peer: RawPeer, stream: number): Buffer {
  return Buffer.concat(
    peer.frames.filter((each) => each.type === TYPE.data && each.stream === stream).map((each) => each.payload),
  )
}

describe('The bytes of a message', () => {
  test('are not read any more when the call is over, though most of them have not left', async (t) => {
    const server = await rawServer(t, {
      first: Buffer.concat([WIDE, frame(TYPE.windowUpdate, 0, 0, int32(2 ** 30))]),
      heard: (peer, { type }) => void (type === TYPE.headers && peer.socket.pause()),
    })
    const call = await caller(t, server.port)
    const bytes = Buffer.alloc(32 * MIB, 'a')
    const abort = new Cancellation()
    const called = call([bytes], { abort, timeout: 0 }).finally(() => bytes.fill('b'))
    await until(() => server.peers[0]?.find(TYPE.headers) !== undefined, 'the request')
    abort.abort(new Error('no longer'))
    await assert.rejects(called, { code: 'cancelled' })
    server.peers[0]!.socket.resume()
    await until(() => server.peers[0]!.closed || server.peers[0]!.find(TYPE.reset, 1) !== undefined, 'the end')
    const come = bytesOf(server.peers[0]!, 1)
    assert.ok(come.length < bytes.length)
    assert.equal(come.indexOf('b'), -1)
  })

  test('leave as they were for the calls beside one that is given up', async (t) => {
    const { server, call } = await stalled(t)
    const peer = server.peers.at(-1) as RawPeer
    const many = Array.from({ length: 8 }, (_, index) => Buffer.alloc(30_000, 'c'.charCodeAt(0) + index))
    const aborts = many.map(() => new Cancellation())
    const calls = many.map((bytes, index) =>
      call([bytes], { abort: aborts[index]!, timeout: 3000 })
        .catch(() => {})
        .finally(() => bytes.fill(0)),
    )
    aborts[3]!.abort(new Error('no longer'))
    await calls[3]
    const peers = () => server.peers.flatMap(({ frames }) => frames)
    await until(() => peers().some(({ type, stream }) => type === TYPE.reset && stream > 1), 'the reset')
    aborts.forEach((abort) => abort.abort(new Error('over')))
    await Promise.all(calls)
    for (const each of server.peers)
      for (const stream of new Set(each.frames.map((one) => one.stream)))
        if (stream > 1 || each !== peer) {
          const bytes = bytesOf(each, stream).subarray(5)
          assert.equal(bytes.indexOf(0), -1)
          assert.ok(new Set(bytes).size <= 1)
        }
  })

  test("whose connection takes nothing any more are the caller's again soon after its deadline", async (t) => {
    const server = await rawServer(t, {
      first: Buffer.concat([WIDE, frame(TYPE.windowUpdate, 0, 0, int32(2 ** 30))]),
      heard: (peer, { type }) => void (type === TYPE.headers && peer.socket.pause()),
    })
    const call = await caller(t, server.port)
    const began = performance.now()
    await assert.rejects(call([Buffer.alloc(64 * MIB)], { timeout: 300 }), { code: 'deadline_exceeded' })
    assert.ok(performance.now() - began < 2500)
  })
})

/** A connection whose system takes what it is given when the test says so. */
class StuckSocket extends Duplex {
  readonly taken: Buffer[] = []
  #take: (() => void) | undefined

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#take = () => (this.taken.push(Buffer.from(chunk)), done())
  }

  override _read(): void {}

  get isWriting(): boolean {
    return this.#take !== undefined
  }

  /** All that it was given, and what it is given then. */
  async drain(): Promise<void> {
    while (this.#take) {
      const take = this.#take
      this.#take = undefined
      take()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

async function begun(message: Buffer) {
  const socket = new StuckSocket()
  const headers = new RequestHeaders({ scheme: 'http', authority: 'a', userAgent: 'u', encoding: '', headers: [] })
  const nothing = () => {}
  const owner = { freed: nothing, retired: nothing, closed: nothing, again: nothing, answered: nothing }
  const ready = Promise.withResolvers<void>()
  const options = { headers, keepalive: { time: 0, timeout: 0, withoutCalls: false } }
  const session = new ClientSession(socket as unknown as net.Socket, options, { ...owner, ready: ready.resolve })
  socket.push(WIDE)
  await ready.promise
  const asked = { path: PATH, message: [message], timeout: 0, abort: new Cancellation() }
  const call = new Call(asked, new Deadlines())
  session.begin(call)
  await until(() => socket.isWriting, 'the first bytes')
  let isSettled = false
  call.promise.catch(nothing).finally(() => (isSettled = true))
  return { socket, call, isSettled: () => isSettled }
}

const OVER = new Refused('over', { code: 'cancelled', retry: {} })
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('The bytes of a message that is given up', () => {
  test("are the caller's again when the system has taken what it was given, and not before", async () => {
    const { socket, call, isSettled } = await begun(Buffer.alloc(50_000, 'a'))
    call.end(OVER)
    for (let turns = 0; turns < 5; turns++) await turn()
    assert.equal(isSettled(), false)
    await socket.drain()
    await assert.rejects(call.promise, OVER)
    assert.equal(socket.destroyed, false)
  })

  test("are the caller's again soon, at the price of the connection, where the system takes nothing", async () => {
    const { socket, call, isSettled } = await begun(Buffer.alloc(50_000, 'a'))
    call.end(OVER)
    await until(isSettled, 'the end of the call')
    assert.equal(socket.destroyed, true)
  })

  test("are the caller's again at once where the message was small, and leave as they were", async () => {
    const message = Buffer.alloc(4_000, 'a')
    const { socket, call } = await begun(message)
    call.end(OVER)
    await assert.rejects(call.promise, OVER)
    message.fill('b')
    await socket.drain()
    assert.equal(socket.destroyed, false)
    assert.equal(Buffer.concat(socket.taken).includes(Buffer.alloc(4_000, 'a')), true)
  })

  test('that wait for credit are not sent any more', async () => {
    const { socket, call } = await begun(Buffer.alloc(500_000, 'a'))
    await socket.drain()
    call.end(OVER)
    await until(() => socket.isWriting, 'the reset')
    await socket.drain()
    await assert.rejects(call.promise, OVER)
    socket.push(frame(TYPE.windowUpdate, 0, 0, int32(2 ** 20)))
    await turn()
    await socket.drain()
    const sent = Buffer.concat(socket.taken)
    assert.ok(sent.length < 70_000, `${sent.length}`)
    assert.ok(sent.includes(frame(TYPE.reset, 0, 1, int32(8))))
  })
})
