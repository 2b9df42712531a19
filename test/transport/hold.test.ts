import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Options } from '../../src/component/options.ts'
import { listenAddress } from '../../src/transport/address.ts'
import { grpcClientOptions } from '../../src/transport/grpc-client-options.ts'
import { grpcServerOptions } from '../../src/transport/grpc-server-options.ts'
import { makeUnaryClient, startUnaryServer } from '../../src/transport/grpc.ts'
import { httpServerOptions } from '../../src/transport/http-server-options.ts'
import { startHttpServer } from '../../src/transport/http.ts'
import { holdListeners, listen } from '../../src/transport/listen.ts'
import type { Listening } from '../../src/transport/listen.ts'
import { Authority, withoutOpenssl } from './certificates.ts'
import { configured } from './configured.ts'
import { disposing } from './disposing.ts'
import { quiet } from './quiet.ts'
import { until } from './until.ts'

const NEVER = new AbortController().signal
const CUT = AbortSignal.abort()

/** Says `name` to whoever connects. */
async function naming(name: string, endpoint: string, transport: 'tcp' | 'unix' = 'tcp'): Promise<Listening> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.end(name)
  })
  return listen(server, listenAddress(endpoint, transport), quiet)
}

const portOf = ({ address }: Pick<Listening, 'address'>): number => (address as { port: number }).port

/** All that the server says; rejects where it does not let us in. */
const heard = (target: { port: number; host?: string } | { path: string }): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = ''
    net
      .connect({ host: '127.0.0.1', ...target } as net.NetConnectOpts)
      .setEncoding('utf8')
      .on('data', (chunk) => (said += String(chunk)))
      .on('end', () => resolve(said))
      .on('error', reject)
  })

/** Resolves when those who connected before have been accepted, too. */
const connected = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const client = net.connect(port, '127.0.0.1', () => {
      client.destroy()
      resolve()
    })
    client.on('error', reject)
  })

function holding(t: TestContext): () => Promise<void> {
  const release = holdListeners()
  t.after(release)
  return release
}

describe('A listener that is held', () => {
  test('keeps who comes in between for the next server, in order', async (t) => {
    const before = await naming('before', '127.0.0.1:0')
    const release = holding(t)
    await before.close()
    const waiting = [heard({ port: portOf(before) }), heard({ port: portOf(before) })]
    await Promise.all([connected(portOf(before)), connected(portOf(before))])
    const after = await naming('after', `127.0.0.1:${portOf(before)}`)
    assert.deepEqual(await Promise.all(waiting), ['after', 'after'])
    await release()
    assert.equal(await heard({ port: portOf(before) }), 'after')
    await after.close()
  })

  test('gives a server of any port the port it had', async (t) => {
    const before = await naming('before', '127.0.0.1:0')
    holding(t)
    await before.close()
    const after = await naming('after', 'localhost:0')
    assert.equal(portOf(after), portOf(before))
    const other = await naming('other', 'localhost:0')
    assert.notEqual(portOf(other), portOf(before))
    await Promise.all([after.close(), other.close()])
  })

  test('works for the socket of a file system', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'telegen-hold-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'x.sock')
    const before = await naming('before', path, 'unix')
    const release = holding(t)
    await before.close()
    const waiting = heard({ path })
    const after = await naming('after', path, 'unix')
    assert.equal(await waiting, 'after')
    await release()
    assert.equal(await heard({ path }), 'after')
    await after.close()
    await assert.rejects(heard({ path }), /ENOENT/)
  })

  test('ends with the last hold, and who waits then is let go', async () => {
    const [first, second] = [holdListeners(), holdListeners()]
    const listening = await naming('x', '127.0.0.1:0')
    await listening.close()
    await first()
    await first()
    const waiting = heard({ port: portOf(listening) })
    await connected(portOf(listening))
    await second()
    assert.equal(await waiting, '')
    await assert.rejects(heard({ port: portOf(listening) }), /ECONNREFUSED/)
  })

  test('is not in the way of one of fewer interfaces', async (t) => {
    const before = await naming('before', '0.0.0.0:0')
    holding(t)
    await before.close()
    const after = await naming('after', `127.0.0.1:${portOf(before)}`)
    assert.equal(await heard({ port: portOf(before) }), 'after')
    await after.close()
  })

  test('is in the way of nobody who is told from the old by its server: two at one address are one too many', async (t) => {
    holding(t)
    const one = await naming('one', '127.0.0.1:0')
    await assert.rejects(naming('two', `127.0.0.1:${portOf(one)}`), /bind: address already in use/)
    assert.equal(await heard({ port: portOf(one) }), 'one')
    await one.close()
  })

  test('takes so many who wait and no more', async (t) => {
    const before = await naming('before', '127.0.0.1:0')
    holding(t)
    await before.close()
    const sockets: net.Socket[] = []
    t.after(() => sockets.forEach((socket) => socket.destroy()))
    let closed = 0
    // One after the other: of too many at once the kernel drops some, and they come again seconds later.
    for (let i = 0; i < 1100; i++) {
      const socket = net.connect(portOf(before), '127.0.0.1')
      sockets.push(socket)
      socket.on('error', () => {}).on('close', () => closed++)
      socket.resume()
      await once(socket, 'connect')
    }
    await until(() => closed === 1100 - 1024, 'the 76 of too many')
  })
})

type Serve = (name: string, port: number) => Promise<{ port: number; close(deadline: AbortSignal): Promise<void> }>

const httpServer =
  (tls = ''): Serve =>
  async (name, port) => {
    const options = configured({ config: Options(httpServerOptions(`127.0.0.1:${port}`)) }, tls || '{}')
    const server = await startHttpServer(options, {
      handle: async () => ({ status: 200, headers: {}, body: name }),
      log: quiet,
    })
    return { port: portOf(server), close: (deadline) => server.close(deadline) }
  }

const PATH = '/test.Service/Method'

const grpcServer =
  (tls = ''): Serve =>
  async (name, port) => {
    const options = configured({ config: Options(grpcServerOptions(`127.0.0.1:${port}`)) }, tls || '{}')
    const methods = new Map([[PATH, { handle: async () => Buffer.from(name) }]])
    const server = await startUnaryServer(options, { methods, log: quiet })
    return { port: portOf(server), close: (deadline) => server.close(deadline) }
  }

/** As many as one process that is client and server answers in time. */
const MOST_ASKING = 16

/** Requests once a millisecond, each by a connection of its own, while servers come and go. */
async function storm(serve: Serve, ask: (port: number) => Promise<string>): Promise<Map<string, number>> {
  const answers = new Map<string, number>()
  const asking = new Set<Promise<void>>()
  let server = await serve('0', 0)
  const { port } = server
  let isOver = false
  const storming = (async () => {
    for (; !isOver; await pause(1)) {
      if (asking.size >= MOST_ASKING) continue
      const one = ask(port).then(
        (answer) => void answers.set(answer, (answers.get(answer) ?? 0) + 1),
        (error: Error) => void answers.set(String(error), 1),
      )
      asking.add(one)
      void one.finally(() => asking.delete(one))
    }
  })()
  for (let i = 1; i <= 5; i++) {
    await until(() => answers.has(String(i - 1)) || answers.size > i, `an answer of server ${i - 1}`)
    const release = holdListeners()
    const closed = server.close(AbortSignal.timeout(5000))
    server = await serve(String(i), port)
    await release()
    await closed
  }
  await until(() => answers.has('5') || answers.size > 5, 'an answer of the last server')
  isOver = true
  await storming
  await Promise.all(asking)
  await server.close(CUT)
  return answers
}

const asked = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', agent: false }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (chunk) => (body += String(chunk)))
        response.on('end', () => resolve(body)).on('error', reject)
      })
      .on('error', reject)
  })

async function called(port: number): Promise<string> {
  const yaml = `{ endpoint: '127.0.0.1:${port}', tls: { insecure: true }, compression: none }`
  const client = await makeUnaryClient(configured({ config: Options(grpcClientOptions) }, yaml))
  const answer = client.call(PATH, [Buffer.from('x')], { timeout: 5000, abort: NEVER })
  return answer.then(String).finally(() => client.close())
}

describe('Servers that follow one another', () => {
  const names = ['0', '1', '2', '3', '4', '5']
  test('over HTTP let everybody in who connects meanwhile, and answer', async () => {
    assert.deepEqual([...(await storm(httpServer(), asked)).keys()].toSorted(), names)
  })

  test('over gRPC too', async () => {
    assert.deepEqual([...(await storm(grpcServer(), called)).keys()].toSorted(), names)
  })

  test('what was kept alive is answered, and told to close', async (t) => {
    const server = await httpServer()('old', 0)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const get = () =>
      new Promise<http.IncomingMessage>((resolve, reject) => {
        http
          .get({ port: server.port, host: '127.0.0.1', agent }, (response) => {
            response.resume().on('end', () => resolve(response))
          })
          .on('error', reject)
      })
    assert.notEqual((await get()).headers.connection, 'close')
    holding(t)
    const closed = server.close(NEVER)
    const next = await httpServer()('new', server.port)
    const last = await get()
    assert.equal(last.statusCode, 200)
    assert.equal(last.headers.connection, 'close')
    await closed
    await next.close(CUT)
  })

  test('a server that begins with TLS gets those who waited in the clear', { skip: withoutOpenssl }, async (t) => {
    const authority = disposing(t, new Authority())
    const ours = authority.sign('server')
    const server = await httpServer()('old', 0)
    holding(t)
    await server.close(CUT)
    const { connect } = await import('node:tls')
    const answer = new Promise<string>((resolve, reject) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, () =>
        socket.write('GET / HTTP/1.0\r\n\r\n'),
      )
      let text = ''
      socket.on('data', (chunk) => (text += String(chunk)))
      socket.on('end', () => resolve(text)).on('error', reject)
    })
    await connected(server.port)
    const tls = `{ tls: { cert_file: ${ours.cert}, key_file: ${ours.key} } }`
    const next = await httpServer(tls)('new', server.port)
    assert.match(await answer, /new$/)
    await next.close(CUT)
  })
})
