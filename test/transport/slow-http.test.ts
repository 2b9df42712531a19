import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Options } from '../../src/component/options.ts'
import type { HttpHandler } from '../../src/transport/http-exchange.ts'
import { httpServerOptions } from '../../src/transport/http-server-options.ts'
import { startHttpServer } from '../../src/transport/http.ts'
import { Authority, withoutOpenssl } from './certificates.ts'
import { configured } from './configured.ts'
import { disposing } from './disposing.ts'
import { FakeIngress } from './fake-ingress.ts'
import { quiet } from './quiet.ts'
import { until } from './until.ts'

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\n'

/** Answers with the length of the body. */
const measure: HttpHandler = async (request) => {
  const ingress = new FakeIngress()
  const { slab, length } = await request.body(ingress.reserve('logs', request.room()), (bytes) =>
    ingress.reserve('logs', bytes),
  )
  slab.release()
  return { status: 200, headers: {}, body: String(length) }
}

async function serve(t: TestContext, yaml: string, handle: HttpHandler = measure): Promise<number> {
  const options = configured({ config: Options(httpServerOptions('127.0.0.1:0')) }, yaml)
  const server = await startHttpServer(options, { handle, log: quiet })
  t.after(() => server.close(AbortSignal.abort()))
  return (server.address as { port: number }).port
}

class Client implements Disposable {
  heard = ''
  closed = false
  readonly socket: net.Socket

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.setEncoding('latin1').on('data', (chunk) => (this.heard += String(chunk)))
    this.socket.on('error', () => {}).on('close', () => (this.closed = true))
  }

  /** Sends a byte every few milliseconds until the other side has had enough. */
  drip(what: string): void {
    const timer = setInterval(() => (this.closed ? clearInterval(timer) : this.socket.write(what)), 5)
    this.socket.once('close', () => clearInterval(timer))
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

const isServed = async (port: number): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: 'four' })
  assert.equal(await answer.text(), '4')
}

describe('Slow clients of HTTP', () => {
  test('that send their headers byte by byte are told, and others are served', async (t) => {
    const port = await serve(t, 'read_header_timeout: 100ms')
    const slow = disposing(t, new Client(port))
    slow.socket.write(HEAD)
    slow.drip('a')
    await isServed(port)
    await until(() => slow.closed, 'the end')
    assert.match(slow.heard, /^HTTP\/1.1 408 /)
  })

  test('that send their body byte by byte are cut off', async (t) => {
    const port = await serve(t, 'read_timeout: 100ms')
    const slow = disposing(t, new Client(port))
    slow.socket.write(`${HEAD}Content-Length: 1000000\r\n\r\n`)
    slow.drip('a')
    await isServed(port)
    await until(() => slow.closed, 'the end')
    assert.doesNotMatch(slow.heard, / 200 /)
  })

  test('or in chunks', async (t) => {
    const port = await serve(t, 'read_timeout: 100ms')
    const slow = disposing(t, new Client(port))
    slow.socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
    slow.drip('1\r\na\r\n')
    await until(() => slow.closed, 'the end')
    assert.doesNotMatch(slow.heard, / 200 /)
  })

  test('that say nothing are cut off, before and after a request', async (t) => {
    const port = await serve(t, '{ read_header_timeout: 100ms, idle_timeout: 100ms }')
    const [silent, idle] = [disposing(t, new Client(port)), disposing(t, new Client(port))]
    idle.socket.write(`${HEAD}Content-Length: 1\r\n\r\na`)
    await until(() => silent.closed && idle.closed, 'the end of both')
    assert.match(idle.heard, / 200 /)
  })

  test('that do not begin with TLS are cut off', { skip: withoutOpenssl }, async (t) => {
    const authority = disposing(t, new Authority())
    const { cert, key } = authority.sign('server')
    const port = await serve(t, `{ read_header_timeout: 100ms, tls: { cert_file: ${cert}, key_file: ${key} } }`)
    const silent = disposing(t, new Client(port))
    const slow = disposing(t, new Client(port))
    slow.drip('\x16')
    await until(() => silent.closed && slow.closed, 'the end of both')
  })

  test('that do not read their answer are cut off', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let isAnswering = false
    const large = Buffer.alloc(64 * 2 ** 20)
    const port = await serve(t, '{ idle_timeout: 0s }', async () => {
      isAnswering = true
      return { status: 200, headers: {}, body: large }
    })
    const deaf = disposing(t, new Client(port))
    deaf.socket.pause()
    deaf.socket.write(`${HEAD}Content-Length: 0\r\n\r\n`)
    await spinning(() => isAnswering)
    await spinning(() => false, 50)
    t.mock.timers.tick(59_000)
    await spinning(() => deaf.closed, 50)
    assert.equal(deaf.closed, false)
    t.mock.timers.tick(2000)
    deaf.socket.resume()
    await spinning(() => deaf.closed)
    assert.ok(deaf.heard.length < large.length)
  })

  test('that send requests faster than they are answered are cut off', async (t) => {
    let underWay = 0
    const { promise: never } = Promise.withResolvers<never>()
    const port = await serve(t, '{}', () => {
      underWay++
      return never
    })
    const hasty = disposing(t, new Client(port))
    hasty.socket.write(`${HEAD}Content-Length: 0\r\n\r\n`.repeat(1000))
    await until(() => hasty.closed, 'the end')
    assert.equal(underWay, 32)
  })

  test('that are many and idle keep nobody out until there are too many', async (t) => {
    const port = await serve(t, 'max_connections: 1000')
    const idle = Array.from({ length: 999 }, () => disposing(t, new Client(port)))
    await until(() => idle.every(({ socket }) => socket.readyState === 'open'), 'all')
    await isServed(port)
    const more = Array.from({ length: 10 }, () => disposing(t, new Client(port)))
    await until(() => more.filter(({ closed }) => closed).length >= 9, 'those that are too many')
  })

  test('headers that are too long or too many are told', async (t) => {
    const port = await serve(t, '{}')
    const long = disposing(t, new Client(port))
    long.socket.write(`${HEAD}X: ${'y'.repeat(40_000)}\r\n\r\n`)
    await until(() => long.closed, 'the end')
    assert.match(long.heard, /^HTTP\/1.1 431 /)
  })
})

/** Without timers, as those are the test's. */
async function spinning(holds: () => boolean, most = 20_000): Promise<void> {
  for (let i = 0; i < most && !holds(); i++) await new Promise((resolve) => setImmediate(resolve))
}
