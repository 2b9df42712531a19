import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Options } from '../../src/component/options.ts'
import { Refused } from '../../src/component/refused.ts'
import { grpcClientOptions } from '../../src/transport/grpc-client-options.ts'
import { grpcServerOptions } from '../../src/transport/grpc-server-options.ts'
import { makeUnaryClient, startUnaryServer } from '../../src/transport/grpc.ts'
import { httpClientOptions } from '../../src/transport/http-client-options.ts'
import { httpServerOptions } from '../../src/transport/http-server-options.ts'
import { makeHttpClient, startHttpServer } from '../../src/transport/http.ts'
import { configured } from './configured.ts'
import { quiet } from './quiet.ts'

const PATH = '/test.Service/Method'
const TIMEOUT = 300
const PATIENCE = 10_000
const NEVER = new AbortController().signal

/** Passes everything on, until its connections are swallowed: they stay open, and nothing goes through them any more. */
async function proxy(t: TestContext, target: number) {
  const sockets = new Set<net.Socket>()
  let connections = 0
  const server = net.createServer((near) => {
    connections++
    const far = net.connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const swallow = () => {
    for (const socket of sockets) socket.unpipe().pause()
  }
  return {
    port: (server.address() as net.AddressInfo).port,
    swallow,
    get connections() {
      return connections
    },
  }
}

const calling = {
  http2: (t: TestContext) => callingGrpc(t, 'http2'),
  grpc_js: (t: TestContext) => callingGrpc(t, 'grpc_js'),
  async http(t: TestContext) {
    const options = configured({ config: Options(httpServerOptions('127.0.0.1:0')) }, '{}')
    const handle = async () => ({ status: 200, headers: {}, body: 'x' })
    const server = await startHttpServer(options, { handle, log: quiet })
    t.after(() => server.close(AbortSignal.abort()))
    const between = await proxy(t, (server.address as { port: number }).port)
    const url = new URL(`http://127.0.0.1:${between.port}/`)
    const client = await makeHttpClient(configured({ config: Options(httpClientOptions) }, '{}'), [url])
    t.after(() => client.close())
    const call = async (timeout = PATIENCE) => {
      const { body } = await client.post(url, [Buffer.from('x')], { headers: {}, abort: AbortSignal.timeout(timeout) })
      return String(body)
    }
    return { between, call }
  },
}

async function callingGrpc(t: TestContext, transport: string) {
  const methods = new Map([[PATH, { handle: async (message: Buffer) => message }]])
  const options = configured({ config: Options(grpcServerOptions('127.0.0.1:0')) }, '{}')
  const server = await startUnaryServer(options, { methods, log: quiet })
  t.after(() => server.close(AbortSignal.abort()))
  const between = await proxy(t, (server.address as { port: number }).port)
  const yaml = `{ endpoint: 'http://127.0.0.1:${between.port}', compression: none, transport: ${transport} }`
  const client = await makeUnaryClient(configured({ config: Options(grpcClientOptions) }, yaml))
  t.after(() => client.close())
  const call = (timeout = PATIENCE) => client.call(PATH, [Buffer.from('x')], { timeout, abort: NEVER }).then(String)
  return { between, call }
}

for (const kind of ['http2', 'grpc_js', 'http'] as const)
  describe(`A connection that is gone without a word, over ${kind}`, () => {
    test('costs one timeout, and the next request goes by another', async (t) => {
      const { between, call } = await calling[kind](t)
      assert.equal(await call(), 'x')
      assert.equal(await call(), 'x')
      assert.equal(between.connections, 1)
      between.swallow()
      const outcome = await call(TIMEOUT).catch((error: unknown) => error)
      assert.ok(outcome instanceof Refused && outcome.code === 'deadline_exceeded', String(outcome))
      assert.equal(await call(), 'x')
      assert.equal(between.connections, 2)
    })
  })

for (const transport of ['http2', 'grpc_js'])
  test(`a request that is slow beside others that are answered costs no connection of ${transport}`, async (t) => {
    const { promise: never } = Promise.withResolvers<Buffer>()
    const handle = (message: Buffer) => (String(message) === 'slow' ? never : Promise.resolve(message))
    const options = configured({ config: Options(grpcServerOptions('127.0.0.1:0')) }, '{}')
    const server = await startUnaryServer(options, { methods: new Map([[PATH, { handle }]]), log: quiet })
    t.after(() => server.close(AbortSignal.abort()))
    const between = await proxy(t, (server.address as { port: number }).port)
    const yaml = `{ endpoint: 'http://127.0.0.1:${between.port}', compression: none, transport: ${transport} }`
    const client = await makeUnaryClient(configured({ config: Options(grpcClientOptions) }, yaml))
    t.after(() => client.close())
    const call = (body: string, timeout: number) => client.call(PATH, [Buffer.from(body)], { timeout, abort: NEVER })
    assert.equal(String(await call('quick', 5000)), 'quick')
    const slow = assert.rejects(call('slow', TIMEOUT), { code: 'deadline_exceeded' })
    assert.equal(String(await call('quick', 5000)), 'quick')
    await slow
    assert.equal(String(await call('quick', 5000)), 'quick')
    assert.equal(between.connections, 1)
  })
