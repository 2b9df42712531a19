import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { DATA_STARTS_MESSAGE, DIRECTION_IN, DIRECTION_OUT } from '../../../src/receivers/ebpf/socket/event.ts'
import { socketsInKernel } from './kernel.ts'
import type { SocketClosed, SocketData, SocketsInKernel } from './kernel.ts'

/** A server and its clients in one process of Node. `clients` connections at once, `requests` on each. Prints what it did as JSON. */
const NODE_HTTP = (clients: number, requests: number): string => `
  const http = require('node:http')
  process.stdin.once('data', () => {
    const server = http.createServer((request, response) => response.end(request.url.slice(1)))
    server.listen(0, '127.0.0.1', async () => {
      const { port } = server.address()
      const agent = new http.Agent({ keepAlive: true, maxSockets: ${clients} })
      const get = (path) => new Promise((resolve, reject) =>
        http.get({ port, agent, path }, (answer) => {
          let body = ''
          answer.on('data', (data) => (body += data)).on('end', () => resolve(body === path.slice(1)))
        }).on('error', reject))
      const right = await Promise.all(Array.from({ length: ${clients * requests} }, (_, at) => get('/r' + at + 'r')))
      agent.destroy()
      server.close(() => { console.log(JSON.stringify({ port, right: right.filter(Boolean).length })); process.exit(0) })
      server.closeIdleConnections()
    })
  })`

/** Sends and answers raw bytes on one connection after another: `[[from, bytes], …]`, each read whole by the other side before the next. */
const RAW = (talks: readonly (readonly (readonly [from: 'client' | 'server', text: string])[])[]): string => `
  const net = require('node:net')
  const talks = ${JSON.stringify(talks)}
  const read = (socket, length) => new Promise((resolve) => {
    const take = () => { const got = socket.read(length); if (got) resolve(got); else socket.once('readable', take) }
    take()
  })
  process.stdin.once('data', () => {
    const server = net.createServer().listen(0, '127.0.0.1', async () => {
      const { port } = server.address()
      const clients = []
      for (const talk of talks) {
        const accepted = new Promise((resolve) => server.once('connection', resolve))
        const client = net.connect(port, '127.0.0.1')
        const socket = await accepted
        clients.push(client.localPort)
        for (const [from, text] of talk) {
          const [one, other] = from === 'client' ? [client, socket] : [socket, client]
          one.write(text)
          await read(other, text.length)
        }
        const closed = new Promise((resolve) => socket.once('close', resolve))
        socket.resume()
        client.end()
        client.resume()
        await closed
      }
      console.log(JSON.stringify({ port, clients }))
      process.exit(0)
    })
  })`

const isData = (event: { readonly kind: string }): event is SocketData => event.kind === 'data'
const isClosed = (event: { readonly kind: string }): event is SocketClosed => event.kind === 'closed'

async function runs(
  kernel: SocketsInKernel,
  script: string,
): Promise<{ pid: number; port: number; clients: number[] }> {
  kernel.events.length = 0
  return JSON.parse(await kernel.run(process.execPath, ['-e', script]))
}

for (const rung of ['fentry', 'kprobe', 'tp_btf'])
  describe(`Connections seen by ${rung}`, async () => {
    const kernel = await socketsInKernel(rung)
    if (typeof kernel === 'string') return void test('is unavailable', { skip: kernel }, () => {})
    after(() => kernel.close())

    test('64 connections kept alive: every message once, each with its answer, no gap in any sequence', async () => {
      const { pid, port } = await runs(kernel, NODE_HTTP(64, 25))
      const events = await kernel.until((events) => events.filter(isClosed).length >= 128)
      const data = events.filter(isData).filter((event) => event.pid === pid)
      const requests = data.filter(
        ({ payload, direction }) => payload.startsWith('GET ') && direction === DIRECTION_OUT,
      )
      assert.equal(new Set(requests.map(({ payload }) => /^GET (\S+)/.exec(payload)?.[1])).size, 1600)
      assert.equal(requests.length, 1600)
      const open = new Map<number, SocketData>()
      const next = new Map<number, number>()
      let pairs = 0
      for (const event of data.filter(({ localPort }) => localPort === port)) {
        assert.equal(event.sequence, next.get(event.connection) ?? 0)
        next.set(event.connection, event.sequence + 1)
        if (event.direction === DIRECTION_IN) open.set(event.connection, event)
        else {
          const path = /^GET \/(\S+)/.exec(open.get(event.connection)?.payload ?? '')?.[1]
          assert.ok(event.payload.endsWith(`\r\n\r\n${path}`), event.payload)
          pairs += 1
        }
      }
      assert.equal(pairs, 1600)
    })

    test('pipelined requests that follow one another are all captured from where they begin', async () => {
      const get = (path: string): string => `GET /${path} HTTP/1.1\r\nHost: here\r\n\r\n`
      const body = 'b'.repeat(3000)
      const post = `POST /big HTTP/1.1\r\nContent-Length: 3000\r\n\r\n`
      await runs(
        kernel,
        RAW([
          [
            ['client', post],
            ['client', body],
            ['client', get('a')],
            ['client', get('b')],
            ['server', 'HTTP/1.1 204 No\r\n\r\n'],
          ],
        ]),
      )
      const events = await kernel.until((events) => events.filter(isClosed).length >= 2)
      const sent = events
        .filter(isData)
        .filter(
          ({ direction, remotePort, payload }) =>
            direction === DIRECTION_OUT && !payload.startsWith('HTTP') && remotePort > 0,
        )
      assert.deepEqual(
        sent.map(({ payload, flags, run }) => [payload.length, flags, run]),
        [
          [post.length, DATA_STARTS_MESSAGE, 0],
          [1024 - post.length, 0, post.length],
          [get('a').length, DATA_STARTS_MESSAGE, post.length + 3000],
          [get('b').length, DATA_STARTS_MESSAGE, post.length + 3000 + get('a').length],
        ],
      )
    })

    test('after an upgrade, and in a tunnel, the connection is let be', async () => {
      const { clients } = await runs(
        kernel,
        RAW([
          [
            ['client', 'GET /chat HTTP/1.1\r\nUpgrade: x\r\n\r\n'],
            ['server', 'HTTP/1.1 101 Switching\r\n\r\n'],
            ['client', 'GET /not HTTP'],
            ['server', 'HTTP/1.1 200 not'],
          ],
          [
            ['client', 'CONNECT here:1 HTTP/1.1\r\n\r\n'],
            ['server', 'HTTP/1.1 200 Connected\r\n\r\n'],
            ['client', 'GET /not HTTP'],
            ['server', 'HTTP/1.1 200 not'],
          ],
          [
            ['client', 'CONNECT here:1 HTTP/1.1\r\n\r\n'],
            ['server', 'HTTP/1.1 407 Please\r\n\r\n'],
            ['client', 'CONNECT here:1 HTTP/1.1\r\nA: b\r\n\r\n'],
            ['server', 'HTTP/1.1 502 Bad\r\n\r\n'],
          ],
          [
            ['client', 'PUT /c HTTP/1.1\r\nExpect: 100-continue\r\n\r\n'],
            ['server', 'HTTP/1.1 100 Continue\r\n\r\n'],
            ['client', 'body'],
            ['server', 'HTTP/1.1 201 Made\r\n\r\n'],
          ],
        ]),
      )
      const events = await kernel.until((events) => events.filter(isClosed).length >= 8)
      const counts = clients.map(
        (client) => events.filter(isData).filter(({ localPort }) => localPort === client).length,
      )
      assert.deepEqual(counts, [2, 2, 4, 4])
    })

    test('a connection never inherits what was known of the one before it at its address', async () => {
      const talks = Array.from({ length: 40 }, (_, at) =>
        at % 2 === 0
          ? ([
              ['client', 'GET / HTTP/1.1\r\n\r\n'],
              ['server', 'HTTP/1.1 204 No\r\n\r\n'],
            ] as const)
          : ([
              ['client', '\x16\x03\x01 hello'],
              ['server', '\x16\x03\x03 hello'],
            ] as const),
      )
      await runs(kernel, RAW(talks))
      const events = await kernel.until((events) => events.filter(isClosed).length >= 40)
      const data = events.filter(isData)
      assert.equal(new Set(data.map(({ connection }) => connection)).size, 40)
      assert.deepEqual(new Set(data.map(({ sequence }) => sequence)), new Set([0, 1]))
      assert.equal(data.length, 80)
    })
  })

test('what a full ring has no room for is counted', async (t) => {
  const kernel = await socketsInKernel('tp_btf', { ringBytes: 65_536 })
  if (typeof kernel === 'string') return t.skip(kernel)
  try {
    const { pid } = await runs(kernel, NODE_HTTP(4, 150))
    await kernel.until((events) => events.some((event) => event.pid === pid))
    kernel.drain()
    const [written, full] = (await kernel.loaded.counters()) as [number, number]
    assert.ok(full > 0)
    assert.equal(written, kernel.events.length)
    const lost = 4 * 150 * 4 + 2 * 4 - written
    assert.ok(full >= lost, `${full} of ${lost}`)
  } finally {
    await kernel.close()
  }
})
