import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { Options } from '../../src/component/options.ts'
import { Refused } from '../../src/component/refused.ts'
import { AnswerReader } from '../../src/transport/http-answer-reader.ts'
import type { HttpAnswer, HttpHandler, HttpServing } from '../../src/transport/http-exchange.ts'
import { httpServerOptions } from '../../src/transport/http-server-options.ts'
import { startHttpServer } from '../../src/transport/http.ts'
import { configured } from './configured.ts'
import { FakeIngress } from './fake-ingress.ts'
import { quiet } from './quiet.ts'
import { until } from './until.ts'

/** Answers with what came. */
const echo: HttpHandler = async (request) => {
  const ingress = new FakeIngress()
  const { slab, length } = await request.body(ingress.reserve('logs', request.room()), (bytes) =>
    ingress.reserve('logs', bytes),
  )
  const body = slab.buffer.toString('latin1', 0, length)
  slab.release()
  return { status: 200, headers: { 'X-Method': request.method }, body: `${request.path} ${body}` }
}

async function serve(t: TestContext, handle: HttpHandler, yaml = '{}', serving: Partial<HttpServing> = {}) {
  const options = configured({ config: Options(httpServerOptions('127.0.0.1:0')) }, yaml)
  const server = await startHttpServer(options, { handle, log: quiet, ...serving })
  t.after(() => server.close(AbortSignal.abort()))
  return (server.address as { port: number }).port
}

/** Reads the answers of a connection. */
class Client {
  readonly answers: HttpAnswer[] = []
  readonly socket: net.Socket
  closed = false

  constructor(port: number) {
    const reader = new AnswerReader()
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {}).on('close', () => (this.closed = true))
    this.socket.on('data', (piece: Buffer) => {
      for (let rest = piece; rest.length > 0;) {
        rest = rest.subarray(reader.read(rest, rest.length))
        if (reader.isComplete) this.answers.push(reader.take())
      }
    })
  }

  async write(bytes: string): Promise<void> {
    await new Promise<void>((resolve) => this.socket.write(bytes, 'latin1', () => setImmediate(resolve)))
  }
}

const plain = (body: string) => `POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const chunked = (body: string) =>
  `POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body && `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`

describe('Requests on one connection', () => {
  test('plain or not, in any pieces, are answered in order and as they came', async (t) => {
    const port = await serve(t, echo)
    const request = fc.record({ isPlain: fc.boolean(), size: fc.constantFrom(0, 1, 10, 1000, 50_000) })
    const conversation = fc.record({
      requests: fc.array(request, { minLength: 1, maxLength: 6 }),
      cuts: fc.array(fc.nat(100_000), { maxLength: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(conversation, async ({ requests, cuts }) => {
        const bodies = requests.map(({ size }, index) => String(index).repeat(size))
        const text = requests.map(({ isPlain }, index) => (isPlain ? plain : chunked)(bodies[index]!)).join('')
        const client = new Client(port)
        const ends = [...cuts.map((cut) => cut % text.length), text.length].toSorted((a, b) => a - b)
        for (const [index, end] of ends.entries()) await client.write(text.slice(ends[index - 1] ?? 0, end))
        await until(() => client.answers.length === requests.length || client.closed, 'the answers')
        client.socket.destroy()
        assert.deepEqual(
          client.answers.map(({ body }) => body.toString()),
          requests.map(({ isPlain }, index) => `${isPlain ? '/p' : '/c'} ${bodies[index]}`),
        )
      }),
      { numRuns: 40 },
    )
  })

  test('that are not read to their end leave the connection to the next', async (t) => {
    const port = await serve(t, async (request) =>
      request.path === '/c' ? echo(request) : { status: 429, headers: {}, body: '' },
    )
    const client = new Client(port)
    const large = plain('x'.repeat(300_000))
    await client.write(large.slice(0, 1000))
    await until(() => client.answers.length === 1, 'the refusal')
    await client.write(large.slice(1000) + plain('y'))
    await client.write(chunked('z'))
    await until(() => client.answers.length === 3, 'the others')
    assert.deepEqual(
      client.answers.map(({ status, body }) => `${status} ${body.toString()}`),
      ['429 ', '429 ', '200 /c z'],
    )
    client.socket.destroy()
  })

  test('whose sender goes away while they are answered are told so, and never answered to another', async (t) => {
    let reason: unknown
    const { promise, resolve } = Promise.withResolvers<void>()
    const port = await serve(t, async (request) => {
      request.abort.addEventListener('abort', () => (reason = request.abort.reason))
      resolve()
      await until(() => reason !== undefined, 'the abort')
      return { status: 200, headers: {}, body: 'late' }
    })
    const client = new Client(port)
    await client.write(plain('x'))
    await promise
    client.socket.destroy()
    await until(() => reason !== undefined, 'the abort')
    assert.ok(reason instanceof Refused && reason.code === 'cancelled')
  })

  test('are served while the connection is kept, and after a close each is the last', async () => {
    const options = configured({ config: Options(httpServerOptions('127.0.0.1:0')) }, '{}')
    const server = await startHttpServer(options, { handle: echo, log: quiet })
    const client = new Client((server.address as { port: number }).port)
    await client.write(plain('a'))
    await until(() => client.answers.length === 1, 'the first')
    const closed = server.close(new AbortController().signal)
    await client.write(plain('b'))
    await closed
    await until(() => client.closed, 'the end')
    assert.deepEqual(
      client.answers.map(({ headers }) => headers.get('connection')),
      ['keep-alive', 'close'],
    )
  })

  test('give their memory back where the limiter fails that is told of their bytes', async (t) => {
    const ingress = new FakeIngress()
    const reserve = (bytes: number) => ingress.reserve('logs', bytes)
    const limiter = {
      refuse: () => undefined,
      took: () => {
        throw new TypeError('a bug')
      },
    }
    const handle: HttpHandler = async (request) => {
      const { slab } = await request.body(reserve(request.room()), reserve)
      slab.release()
      return { status: 200, headers: {}, body: '' }
    }
    const client = new Client(await serve(t, handle, '{}', { limiter }))
    await client.write(plain('one'))
    await client.write(chunked('two'))
    await until(() => client.answers.length === 2, 'the answers')
    assert.deepEqual(
      client.answers.map(({ status }) => status),
      [500, 500],
    )
    assert.equal(ingress.budget.used, 0)
  })

  test('carry the header that an answer must have, and say how long the connection is kept', async (t) => {
    const port = await serve(t, echo, 'idle_timeout: 7s')
    const client = new Client(port)
    await client.write(plain('a'))
    await until(() => client.answers.length === 1, 'the answer')
    const { headers } = client.answers[0]!
    assert.ok(Math.abs(Date.parse(headers.get('date')!) - Date.now()) < 60_000)
    assert.deepEqual([headers.get('keep-alive'), headers.get('x-method')], ['timeout=7', 'POST'])
    client.socket.destroy()
  })
})
