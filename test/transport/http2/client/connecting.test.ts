import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Backoff } from '../../../../src/transport/http2/client/backoff.ts'
import { Call } from '../../../../src/transport/http2/client/call.ts'
import { Channel } from '../../../../src/transport/http2/client/channel.ts'
import { Deadlines } from '../../../../src/transport/http2/client/deadlines.ts'
import type { Waiting } from '../../../../src/transport/http2/client/deadlines.ts'
import { RequestHeaders } from '../../../../src/transport/http2/client/headers.ts'
import { Resolver } from '../../../../src/transport/http2/client/resolver.ts'
import { openTunnel } from '../../../../src/transport/http2/client/tunnel.ts'
import { StreamTable } from '../../../../src/transport/http2/stream-table.ts'
import type { Tabled } from '../../../../src/transport/http2/stream-table.ts'
import { until } from '../../until.ts'
import { answering, PATH, rawServer } from './raw-server.ts'

describe('The wait before the next attempt', () => {
  test('grows to its limit, with some jitter, and begins anew after a success', () => {
    const steady = new Backoff(() => 0.5)
    assert.deepEqual(
      [1, 2, 3, 4].map(() => Math.round(steady.delay())),
      [1000, 1600, 2560, 3000],
    )
    steady.reset()
    assert.equal(steady.delay(), 1000)
    assert.equal(new Backoff(() => 0).delay(), 800)
    assert.equal(new Backoff(() => 1).delay(), 1200)
  })
})

describe('A resolver', () => {
  test('finds what a name has, and looks again no sooner than after half a minute', async () => {
    let now = 0
    let has = ['10.0.0.1', '10.0.0.2', '10.0.0.1', '::1']
    let looked = 0
    const find = async () => (looked++, has.map((address) => ({ address })))
    const resolver = new Resolver({ kind: 'tcp', host: 'a.test', port: 4317 }, find, () => now)
    const hosts = async () => (await resolver.refresh()).map((each) => each.kind === 'tcp' && each.host)
    const BOTH = ['10.0.0.1', '10.0.0.2', '::1']
    assert.deepEqual(await Promise.all([hosts(), hosts()]), [BOTH, BOTH])
    assert.equal(looked, 1)
    has = ['10.0.0.9']
    assert.deepEqual(await hosts(), ['10.0.0.1', '10.0.0.2', '::1'])
    now = 30_000
    assert.deepEqual(await hosts(), ['10.0.0.9'])
  })

  test('keeps what it knows where nobody can tell any more', async () => {
    let now = 0
    let fails = false
    const find = async () => (fails ? Promise.reject(new Error('SERVFAIL')) : [{ address: '10.0.0.1' }])
    const resolver = new Resolver({ kind: 'tcp', host: 'a.test', port: 1 }, find, () => now)
    await resolver.refresh()
    ;[now, fails] = [60_000, true]
    await assert.rejects(resolver.refresh(), /SERVFAIL/)
    assert.deepEqual(resolver.known, [{ kind: 'tcp', host: '10.0.0.1', port: 1 }])
  })

  test('asks nobody about an address', async () => {
    const nobody = () => assert.fail()
    for (const address of [
      { kind: 'tcp', host: '::1', port: 1 },
      { kind: 'unix', path: '/run/x.sock' },
    ] as const)
      assert.deepEqual(await new Resolver(address, nobody).refresh(), [address])
  })
})

/** A channel to addresses of this machine, which a look-up finds. */
function channel(t: TestContext, balancer: string, ports: () => readonly { port: number; host?: string }[]) {
  const resolver = {
    known: [],
    refresh: async () => ports().map(({ port, host = '127.0.0.1' }) => ({ kind: 'tcp', host, port })),
  } as unknown as Resolver
  const headers = new RequestHeaders({ scheme: 'http', authority: 'a', userAgent: 'u', encoding: '', headers: [] })
  const deadlines = new Deadlines()
  const found = new Channel(
    resolver,
    { tunnel: undefined, host: 'a', security: undefined },
    { headers, keepalive: { time: 0, timeout: 0, withoutCalls: false }, balancer, waitForReady: false },
    (call, { bytes }) => call.end(bytes),
  )
  t.after(() => found.close())
  return (timeout = 5000) => {
    const asked = { path: PATH, message: [Buffer.from('x')], timeout, abort: new AbortController().signal }
    const call = new Call(asked, deadlines)
    found.start(call)
    return call.promise.then(String)
  }
}

const requests = ({ peers }: { peers: readonly { count(type: number): number }[] }): number =>
  peers.reduce((sum, peer) => sum + peer.count(1), 0)

describe('Requests to a name with several addresses', () => {
  test('go to all of them in turn', async (t) => {
    const servers = await Promise.all([1, 2, 3].map(() => rawServer(t, { heard: answering })))
    const call = channel(t, 'round_robin', () => servers)
    await call()
    await until(() => servers.every(({ peers }) => peers[0]?.count(4) === 2), 'all connections')
    for (let count = 0; count < 30; count++) assert.equal(await call(), 'x')
    const counts = servers.map(requests)
    assert.ok(
      counts.every((count) => count >= 9),
      counts.join(),
    )
  })

  test('go to those that can be reached, and the others are tried again', async (t) => {
    const [alive, late] = [await rawServer(t, { heard: answering }), net.createServer()]
    const port = await freed(late)
    const call = channel(t, 'round_robin', () => [{ port }, alive])
    assert.equal(await call(), 'x')
    let connections = 0
    late.on('connection', (socket) => (connections++, socket.destroy())).listen(port, '127.0.0.1')
    t.after(() => late.close())
    await until(() => connections > 0, 'another attempt')
    assert.equal(await call(), 'x')
  })

  test('go to one that comes back although its name can be looked up no more', async (t) => {
    const [alive, late] = [await rawServer(t, { heard: answering }), net.createServer()]
    const port = await freed(late)
    let lookUps = 0
    const call = channel(t, 'round_robin', () => (lookUps++ === 0 ? [{ port }, alive] : assert.fail('SERVFAIL')))
    assert.equal(await call(), 'x')
    await until(() => lookUps > 1, 'another look-up')
    let connections = 0
    late.on('connection', (socket) => (connections++, socket.destroy())).listen(port, '127.0.0.1')
    t.after(() => late.close())
    await until(() => connections > 0, 'another attempt')
  })

  test('go to the first that can be reached, where that is asked for', async (t) => {
    const servers = await Promise.all([1, 2].map(() => rawServer(t, { heard: answering })))
    const port = await freed(net.createServer())
    const call = channel(t, 'pick_first', () => [{ port }, ...servers])
    for (let count = 0; count < 10; count++) assert.equal(await call(), 'x')
    assert.deepEqual(servers.map(requests), [10, 0])
  })

  test('do not wait for an address that does not answer', async (t) => {
    const silent = net.createServer(() => {}).listen(0, '127.0.0.1')
    const sockets: net.Socket[] = []
    silent.on('connection', (socket) => sockets.push(socket))
    t.after(() => (silent.close(), sockets.forEach((socket) => socket.destroy())))
    await until(() => silent.listening, 'the server')
    const server = await rawServer(t, { heard: answering })
    const both = [{ port: (silent.address() as net.AddressInfo).port }, server]
    for (const balancer of ['round_robin', 'pick_first']) {
      const began = performance.now()
      assert.equal(await channel(t, balancer, () => both)(), 'x')
      assert.ok(performance.now() - began < 3000, balancer)
    }
  })

  test('go elsewhere when the name has moved', async (t) => {
    const [old, moved] = [await rawServer(t, { heard: answering }), await rawServer(t, { heard: answering })]
    let now = [old]
    const call = channel(t, 'round_robin', () => now)
    assert.equal(await call(), 'x')
    now = [moved]
    old.peers[0]!.socket.destroy()
    await until(() => old.peers[0]!.closed, 'the old connection to close')
    await until(() => requests(moved) > 0 || (void call().catch(() => {}), false), 'a request at the new address')
  })

  test('fail at once while nobody may be tried, and with the reason', async (t) => {
    const port = await freed(net.createServer())
    const call = channel(t, 'round_robin', () => [{ port }])
    for (let tries = 0; tries < 3; tries++)
      await assert.rejects(call(), {
        code: 'unavailable',
        message: new RegExp(`no connection to 127.0.0.1:${port}: .*ECONNREFUSED`),
      })
  })
})

async function freed(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('The way through a proxy', () => {
  async function answered(t: TestContext, ...pieces: readonly string[]) {
    const proxy = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => pieces.forEach((piece) => socket.write(piece)))
      if (pieces.length === 0) socket.once('data', () => socket.end())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const socket = net.connect((proxy.address() as net.AddressInfo).port, '127.0.0.1')
    t.after(() => (socket.destroy(), proxy.close()))
    await openTunnel(socket, { to: 'a.test:4317', credentials: 'u:p' })
    return new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))).resume())
  }

  test('leaves what comes behind the answer of the proxy', async (t) => {
    assert.equal(await answered(t, 'HTTP/1.1 200 OK\r\n', 'x: y\r\n\r', '\nhello'), 'hello')
  })

  test('is refused where the proxy refuses, speaks something else, talks for ever or goes', async (t) => {
    await assert.rejects(
      answered(t, 'HTTP/1.1 407 Who are you\r\n\r\n'),
      /the proxy refused: HTTP\/1.1 407 Who are you/,
    )
    await assert.rejects(answered(t, 'SSH-2.0-OpenSSH\r\n\r\n'), /it does not speak HTTP/)
    await assert.rejects(answered(t, 'HTTP/1.1 200 OK\r\n', `x: ${'y'.repeat(20_000)}`), /the proxy/)
    await assert.rejects(answered(t), /closed the connection/)
  })
})

describe('Deadlines', () => {
  test('come for each in its time, by one timer, and for none that has left', async (t) => {
    const timers = t.mock.method(globalThis, 'setTimeout')
    const deadlines = new Deadlines()
    t.after(() => deadlines.close())
    const came: number[] = []
    const waiting = (timeout: number): Waiting => ({
      timeout,
      deadline: performance.now() + timeout,
      before: undefined,
      after: undefined,
      overdue() {
        deadlines.remove(this)
        came.push(timeout)
      },
    })
    const all = [60, 20, 40, 20, 0].map(waiting)
    for (const each of all) deadlines.add(each)
    for (let count = 0; count < 1000; count++) {
      const short = waiting(40)
      deadlines.add(short)
      deadlines.remove(short)
    }
    deadlines.remove(all[2]!)
    assert.ok(timers.mock.callCount() <= 2)
    await until(() => came.length === 3, 'the deadlines')
    assert.deepEqual(came, [20, 20, 60])
  })
})

describe('A table of streams', () => {
  test('knows what was added and not taken out', () => {
    const table = new StreamTable<Tabled>()
    const known = new Map<number, Tabled>()
    let random = 7
    const next = () => (random = (random * 48_271) % 2_147_483_647)
    for (let step = 0, id = 1; step < 20_000; step++) {
      const one = [...(step % 100 === 0 ? known.values() : [])][next() % (known.size || 1)]
      if (one !== undefined || next() % 3 === 0) {
        const gone = one ?? known.values().next().value
        if (gone === undefined) continue
        assert.equal(table.delete(gone), known.delete(gone.id))
        assert.equal(table.delete(gone), false)
      } else {
        const stream: Tabled = { id, chained: undefined }
        id += 2
        table.add(stream)
        known.set(stream.id, stream)
      }
      assert.equal(table.size, known.size)
    }
    for (const [id, stream] of known) assert.equal(table.get(id), stream)
    assert.equal(table.get(2 ** 30 + 1), undefined)
    assert.deepEqual(new Set(table.all()), new Set(known.values()))
  })
})
