import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import type { Delivery } from '../../../src/component/delivery.ts'
import { DELIVERED } from '../../../src/component/delivery.ts'
import { Refused } from '../../../src/component/refused.ts'
import { decodeRpcStatus } from '../../../src/transport/rpc-status.ts'
import { FakeIngress } from '../../transport/fake-ingress.ts'
import { snappy } from '../../transport/snappy-encoder.ts'
import { until } from '../../transport/until.ts'
import { logs, spans } from './payload.ts'
import { Running } from './running.ts'
import { freePort } from '../../free-ports.ts'
import { disposing } from '../../transport/disposing.ts'

const PROTOBUF = 'application/x-protobuf'

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: http.OutgoingHttpHeaders
  readonly body?: Buffer
  readonly chunks?: readonly Buffer[]
  readonly agent?: http.Agent
  readonly socketPath?: string
}

interface Reply {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

function send(
  port: number,
  { method = 'POST', path = '/v1/traces', headers = {}, body, chunks, agent, socketPath }: Sent,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const where = socketPath ? { socketPath } : { host: '127.0.0.1', port }
    const length = body ? { 'content-length': body.length } : {}
    const request = http.request({
      ...where,
      method,
      path,
      ...(agent && { agent }),
      headers: { 'content-type': PROTOBUF, ...length, ...headers },
    })
    request.on('error', reject).on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part)).on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      )
    })
    for (const chunk of chunks ?? []) request.write(chunk)
    request.end(body)
  })
}

async function start(yaml = '', options: Parameters<typeof Running.start>[1] = {}) {
  const port = await freePort()
  const running = await Running.start(
    `{ protocols: { http: { endpoint: '127.0.0.1:${port}' ${yaml && `, ${yaml}`} } } }`,
    options,
  )
  return Object.assign(running, { port })
}

describe('OTLP over HTTP', () => {
  test('takes each signal at its path and answers with an empty response in protobuf', async (t) => {
    const otlp = disposing(t, await start())
    const body = spans('a', 'b')
    const reply = await send(otlp.port, { body })
    assert.deepEqual([reply.status, reply.headers['content-type'], reply.body.length], [200, PROTOBUF, 0])
    await send(otlp.port, { path: '/v1/logs', body: logs('hello') })
    assert.deepEqual(
      otlp.taken.map(({ signal, items }) => [signal, items]),
      [
        ['traces', 2],
        ['logs', 1],
      ],
    )
    assert.ok(otlp.taken[0]!.bytes.equals(body))
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('paths may be others, with or without a slash before them', async (t) => {
    const otlp = disposing(t, await start('traces_url_path: otlp/traces'))
    assert.equal((await send(otlp.port, { path: '/otlp/traces?x=1', body: spans('a') })).status, 200)
    assert.equal((await send(otlp.port, { body: spans('a') })).status, 404)
  })

  test('a signal that stands in no pipeline is not found', async (t) => {
    const otlp = disposing(t, await start('', { ingress: new FakeIngress({ signals: ['logs'] }) }))
    assert.equal((await send(otlp.port, { body: spans('a') })).status, 404)
    assert.equal((await send(otlp.port, { path: '/v1/logs', body: logs('a') })).status, 200)
  })

  test('profiles have their path', async (t) => {
    const otlp = disposing(t, await start('', { ingress: new FakeIngress({ signals: ['profiles'] }) }))
    assert.equal((await send(otlp.port, { path: '/v1development/profiles', body: Buffer.alloc(0) })).status, 200)
  })

  for (const [coding, compress] of Object.entries({
    gzip: zlib.gzipSync,
    zstd: zlib.zstdCompressSync,
    deflate: zlib.deflateSync,
    zlib: zlib.deflateSync,
    snappy,
  }))
    // prettier-ignore
    test(`inflates ${coding}, small and large`, async (t) => {
      const otlp = disposing(t, await start())
      for (const body of [spans('a'), spans(...Array.from({ length: 20_000 }, (_, i) => `span number ${i * 7919}`))]) {
        const reply = await send(otlp.port, { body: compress(body), headers: { 'content-encoding': coding } })
        assert.equal(reply.status, 200, reply.body.toString())
        assert.ok(otlp.taken.at(-1)!.bytes.equals(body))
      }
      assert.equal(otlp.ingress.budget.used, 0)
    })

  test('takes bodies in chunks, of unknown length', async (t) => {
    const otlp = disposing(t, await start())
    const body = spans(...Array.from({ length: 5000 }, (_, i) => `span ${i}`))
    const chunks = Array.from({ length: Math.ceil(body.length / 10_000) }, (_, i) =>
      body.subarray(i * 10_000, (i + 1) * 10_000),
    )
    assert.equal((await send(otlp.port, { chunks })).status, 200)
    assert.ok(otlp.taken[0]!.bytes.equals(body))
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('an empty request succeeds, and nothing is delivered', async (t) => {
    const otlp = disposing(t, await start())
    assert.equal((await send(otlp.port, { body: Buffer.alloc(0) })).status, 200)
    assert.equal((await send(otlp.port, { chunks: [], headers: { 'transfer-encoding': 'chunked' } })).status, 200)
    assert.equal(
      (await send(otlp.port, { body: zlib.gzipSync(''), headers: { 'content-encoding': 'gzip' } })).status,
      200,
    )
    assert.equal(otlp.taken.length, 0)
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('any method but POST is answered 405', async (t) => {
    const otlp = disposing(t, await start())
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const reply = await send(otlp.port, { method })
      assert.deepEqual([reply.status, reply.body.toString()], [405, '405 method not allowed, supported: [POST]'])
    }
  })

  test('other content types are answered 415 with what is supported', async (t) => {
    const otlp = disposing(t, await start())
    for (const type of ['application/jsonl', 'text/plain', '']) {
      const reply = await send(otlp.port, { body: spans('a'), headers: { 'content-type': type } })
      assert.deepEqual(
        [reply.status, reply.body.toString()],
        [415, '415 unsupported media type, supported: [application/json, application/x-protobuf]'],
      )
    }
    assert.equal(
      (await send(otlp.port, { body: spans('a'), headers: { 'content-type': 'Application/X-Protobuf; a=b' } })).status,
      200,
    )
  })

  test('malformed bodies are answered 400 with a status in protobuf', async (t) => {
    const otlp = disposing(t, await start())
    for (const [body, headers] of [
      [Buffer.from('this is not protobuf'), {}],
      [Buffer.from('this is not gzip'), { 'content-encoding': 'gzip' }],
      [spans('a').subarray(0, 20), {}],
      [spans('a'), { 'content-encoding': 'br' }],
      [spans('a'), { 'content-encoding': 'gzip, gzip' }],
    ] as const) {
      const reply = await send(otlp.port, { body, headers })
      assert.equal(reply.status, 400)
      assert.equal(reply.headers['content-type'], PROTOBUF)
      const status = decodeRpcStatus(reply.body)
      assert.equal(status?.code, 3)
      assert.notEqual(status?.message, '')
    }
    assert.equal(otlp.taken.length, 0)
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('a body over the limit is answered 413, known beforehand, in chunks, or once inflated', async (t) => {
    const otlp = disposing(t, await start('max_request_body_size: 100kB'))
    const large = Buffer.alloc(100_001)
    for (const sent of [
      { body: large },
      { chunks: [large.subarray(0, 60_000), large.subarray(0, 60_000)] },
      { body: zlib.gzipSync(large), headers: { 'content-encoding': 'gzip' } },
      { body: zlib.zstdCompressSync(Buffer.alloc(50_000_000)), headers: { 'content-encoding': 'zstd' } },
      { body: zlib.gzipSync(Buffer.alloc(50_000_000)), headers: { 'content-encoding': 'gzip' } },
      { body: snappy(large), headers: { 'content-encoding': 'snappy' } },
    ]) {
      const reply = await send(otlp.port, sent)
      assert.equal(reply.status, 413)
      assert.equal(reply.headers['retry-after'], undefined)
      assert.equal(decodeRpcStatus(reply.body)?.code, 8)
    }
    assert.ok(otlp.ingress.budget.peak < 400_000, `${otlp.ingress.budget.peak} bytes charged`)
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('a closed gate is answered 429 with Retry-After before the body is read', async (t) => {
    const otlp = disposing(t, await start())
    otlp.ingress.gate = new Refused('the queue is full', { code: 'resource_exhausted', retry: { after: 1500 } })
    const reply = await send(otlp.port, { body: Buffer.alloc(3_000_000) })
    assert.deepEqual([reply.status, reply.headers['retry-after']], [429, '2'])
    assert.deepEqual(decodeRpcStatus(reply.body), { code: 8, message: 'the queue is full', retryDelay: 1500 })
    assert.equal(otlp.ingress.budget.peak, 0)
    otlp.ingress.gate = undefined
    assert.equal((await send(otlp.port, { body: spans('a') })).status, 200)
  })

  test('a sender that asks first is refused before it sends its body', async (t) => {
    const otlp = disposing(t, await start())
    const body = spans('a')
    const ask = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const request = http.request({
          host: '127.0.0.1', port: otlp.port, method: 'POST', path: '/v1/traces',
          headers: { 'content-type': PROTOBUF, expect: '100-continue', 'content-length': body.length },
        }) // prettier-ignore
        let continued = false
        request.on('continue', () => ((continued = true), request.end(body))).on('error', reject)
        request.on(
          'response',
          (response) => (response.resume(), request.destroy(), resolve(`${response.statusCode} ${continued}`)),
        )
        request.flushHeaders()
      })
    assert.equal(await ask(), '200 true')
    otlp.ingress.gate = new Refused('full', { code: 'resource_exhausted', retry: {} })
    assert.equal(await ask(), '429 false')
  })

  test('with block_on_overflow senders wait at the gate', async (t) => {
    const otlp = disposing(t, await start())
    otlp.ingress.blocks = true
    otlp.ingress.gate = new Refused('full', { code: 'resource_exhausted', retry: {} })
    const sending = send(otlp.port, { body: spans('a') })
    await until(() => otlp.ingress.waiting === 1, 'the request to wait')
    otlp.ingress.gate = undefined
    assert.equal((await sending).status, 200)
  })

  test('what refuses a delivery is what the sender is told', async (t) => {
    let refused = new Refused('', { code: 'internal', retry: 'never' })
    const otlp = disposing(t, await start('', { onDelivery: (delivery) => delivery.end(refused) }))
    for (const [code, retry, status] of [
      ['unavailable', {}, 503],
      ['internal', 'never', 500],
      ['permission_denied', 'never', 403],
      ['unavailable', 'never', 500],
      ['internal', {}, 503],
    ] as const) {
      refused = new Refused('because', { code, retry })
      assert.equal((await send(otlp.port, { body: spans('a') })).status, status)
    }
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('answers when the promised level is reached, not before', async (t) => {
    const held: Delivery[] = []
    const otlp = disposing(
      t,
      await start('', {
        ingress: new FakeIngress({ acknowledge: 'durable' }),
        onDelivery: (delivery) => void held.push(delivery),
      }),
    )
    let answered = false
    const sending = send(otlp.port, { body: spans('a') }).then((reply) => ((answered = true), reply))
    await until(() => held.length === 1, 'the delivery')
    held[0]!.reach('accepted')
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(answered, false)
    held[0]!.reach('durable')
    assert.equal((await sending).status, 200)
    held[0]!.end(DELIVERED)
  })

  test('passes headers on where it is told to', async (t) => {
    const plain = disposing(t, await start())
    const telling = disposing(t, await start('include_metadata: true'))
    for (const { port } of [plain, telling]) await send(port, { body: spans('a'), headers: { 'X-Tenant': 'a' } })
    assert.equal(plain.taken[0]!.origin.metadata.size, 0)
    assert.match(plain.taken[0]!.origin.peer!, /^127\.0\.0\.1:\d+$/)
    assert.deepEqual(telling.taken[0]!.origin.metadata.get('x-tenant'), ['a'])
  })

  test('a page in a browser may send where its origin is allowed', async (t) => {
    const otlp = disposing(
      t,
      await start("cors: { allowed_origins: ['https://*.example.com'], allowed_headers: [X-Key], max_age: 60 }"),
    )
    const ask = (origin: string, headers: string) =>
      send(otlp.port, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': headers },
      })
    const allowed = await ask('https://app.example.com', 'content-type, x-key, x-requested-with')
    assert.equal(allowed.status, 204)
    assert.equal(allowed.headers['access-control-allow-origin'], 'https://app.example.com')
    assert.equal(allowed.headers['access-control-allow-credentials'], 'true')
    assert.equal(allowed.headers['access-control-max-age'], '60')
    for (const [origin, headers] of [
      ['https://example.org', ''],
      ['https://app.example.com', 'x-other'],
      ['https://a.example.com.evil.org', ''],
      ['evilhttps://a.example.com', ''],
    ] as const)
      assert.equal((await ask(origin, headers)).headers['access-control-allow-origin'], undefined, origin)
    const actual = await send(otlp.port, { body: spans('a'), headers: { origin: 'https://app.example.com' } })
    assert.equal(actual.headers['access-control-allow-origin'], 'https://app.example.com')
  })

  test('listens on a unix socket', async (t) => {
    const path = join(tmpdir(), `telegen-http-${process.pid}.sock`)
    const otlp = disposing(t, await Running.start(`{ protocols: { http: { transport: unix, endpoint: ${path} } } }`))
    assert.equal((await send(0, { socketPath: path, body: spans('a') })).status, 200)
    assert.equal(otlp.taken[0]!.origin.peer, 'unix')
  })

  test('adds response headers', async (t) => {
    const otlp = disposing(t, await start('response_headers: { x-served-by: telegen }'))
    assert.equal((await send(otlp.port, { body: spans('a') })).headers['x-served-by'], 'telegen')
  })
})

describe('Hostile HTTP clients', () => {
  const raw = async (port: number, text: string): Promise<{ text: string; closed: boolean; socket: net.Socket }> => {
    const socket = net.connect(port, '127.0.0.1')
    const found = { text: '', closed: false, socket }
    socket
      .on('data', (data) => (found.text += data.toString('latin1')))
      .on('close', () => (found.closed = true))
      .on('error', () => {})
    socket.write(text)
    return found
  }

  test('headers that do not come to an end are cut off, and others are served meanwhile', async (t) => {
    const otlp = disposing(t, await start('read_header_timeout: 200ms, read_timeout: 400ms'))
    const slow = await Promise.all(
      Array.from({ length: 20 }, () => raw(otlp.port, 'POST /v1/traces HTTP/1.1\r\nhost: x\r\n')),
    )
    assert.equal((await send(otlp.port, { body: spans('a') })).status, 200)
    await until(() => slow.every(({ closed }) => closed), 'the connections to be closed')
  })

  test('a body that does not come to an end is cut off, and its memory given back', async (t) => {
    const otlp = disposing(t, await start('read_timeout: 300ms'))
    const slow = await raw(
      otlp.port,
      `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 100000\r\n\r\nabc`,
    )
    await until(() => otlp.ingress.budget.used > 0, 'the body to begin')
    await until(() => slow.closed, 'the connection to be closed')
    await until(() => otlp.ingress.budget.used === 0, 'the memory')
    assert.equal(otlp.taken.length, 0)
  })

  test('a client that goes away in the middle of a body leaves nothing behind', async (t) => {
    const otlp = disposing(t, await start())
    for (const header of ['content-length: 100000', 'transfer-encoding: chunked']) {
      const chunk = header.startsWith('transfer') ? '3\r\nabc\r\n' : 'abc'
      const gone = await raw(
        otlp.port,
        `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${PROTOBUF}\r\n${header}\r\n\r\n${chunk}`,
      )
      await until(() => otlp.ingress.budget.used > 0, 'the body to begin')
      gone.socket.resetAndDestroy()
      await until(() => otlp.ingress.budget.used === 0, 'the memory')
    }
    assert.deepEqual(otlp.context.lines, [])
  })

  test('bodies that promise much and do not come keep no memory from those that come', async (t) => {
    const otlp = disposing(t, await start('', { ingress: new FakeIngress({ limit: 1_000_000 }) }))
    const promise = `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 600000\r\n\r\nabc`
    const promising = await Promise.all(Array.from({ length: 10 }, () => raw(otlp.port, promise)))
    await until(() => otlp.ingress.budget.used > 100_000, 'the bodies to begin')
    assert.ok(otlp.ingress.budget.used < 200_000)
    assert.equal((await send(otlp.port, { body: spans('a') })).status, 200)
    for (const { socket } of promising) socket.destroy()
    await until(() => otlp.ingress.budget.used === 0, 'the memory')
  })

  test('a body for all of which there is no room is refused before it comes', async (t) => {
    const otlp = disposing(t, await start('', { ingress: new FakeIngress({ limit: 1_000_000 }) }))
    const used = otlp.ingress.reserve('traces', 500_000)
    const large = await raw(
      otlp.port,
      `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 600000\r\n\r\n`,
    )
    await until(() => large.text.includes('429'), 'the refusal')
    large.socket.destroy()
    used.release()
  })

  test('garbage, giant headers and broken chunks are answered 4xx', async (t) => {
    const otlp = disposing(t, await start())
    for (const text of [
      'hello\r\n\r\n',
      `POST /v1/traces HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`,
      `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${PROTOBUF}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
      `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`,
    ]) {
      const found = await raw(otlp.port, text)
      await until(() => found.closed, 'the connection to be closed')
      assert.match(found.text, /^HTTP\/1\.1 4\d\d /)
    }
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('mutated requests are taken or answered 400, and leave nothing behind', async (t) => {
    const otlp = disposing(t, await start())
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })
    const whole = spans('GET /orders', 'POST /orders')
    const mutated = (seed: number) => {
      const body = Buffer.from(whole)
      for (let i = 0; i <= seed % 3; i++) body[(seed * 31 + i * 17) % body.length] = (seed * 97 + i * 41) & 255
      return seed % 2 ? body : zlib.gzipSync(body).subarray(0, seed % 5 ? undefined : 40)
    }
    const replies = await Promise.all(
      Array.from({ length: 400 }, (_, seed) => {
        const headers = seed % 2 ? {} : { 'content-encoding': 'gzip' }
        return send(otlp.port, { body: mutated(seed), headers, agent })
      }),
    )
    agent.destroy()
    const statuses = new Set(replies.map(({ status }) => status))
    assert.deepEqual(
      [...statuses].sort((left, right) => left - right),
      [200, 400],
    )
    assert.equal(otlp.ingress.budget.used, 0)
    assert.deepEqual(otlp.context.lines, [])
  })

  test('no more connections are taken than may be', async (t) => {
    const otlp = disposing(t, await start('max_connections: 2'))
    const kept = await Promise.all([raw(otlp.port, ''), raw(otlp.port, '')])
    await assert.rejects(send(otlp.port, { body: spans('a') }))
    kept[0].socket.destroy()
    await until(() => kept[0].closed, 'one to leave')
    let status = 0
    for (let tries = 0; tries < 100 && status !== 200; tries++)
      status = (await send(otlp.port, { body: spans('a') }).catch(() => ({ status: 0 }))).status
    assert.equal(status, 200)
  })
})

describe('Time limits of the HTTP server', () => {
  test('a connection without requests is closed', async (t) => {
    const otlp = disposing(t, await start('idle_timeout: 50ms'))
    const agent = new http.Agent({ keepAlive: true })
    let closed = false
    agent.once('free', (socket: net.Socket) => socket.once('close', () => (closed = true)))
    await send(otlp.port, { body: spans('a'), agent })
    await until(() => closed, 'the connection to be closed')
    agent.destroy()
  })

  test('a request that takes too long to answer is cut off', async (t) => {
    const held: Delivery[] = []
    const ingress = new FakeIngress({ acknowledge: 'delivered' })
    const onDelivery = (delivery: Delivery) => void held.push(delivery)
    const otlp = disposing(t, await start('write_timeout: 100ms', { ingress, onDelivery }))
    await assert.rejects(send(otlp.port, { body: spans('a') }))
    held[0]!.end(DELIVERED)
    assert.equal(ingress.budget.used, 0)
  })

  test('connections are not kept where that is said', async (t) => {
    const otlp = disposing(t, await start('keep_alives_enabled: false'))
    assert.equal((await send(otlp.port, { body: spans('a') })).headers.connection, 'close')
  })
})

describe('Closing the HTTP server', () => {
  test('answers what is under way, refuses what comes after, and lets connections go', async (t) => {
    const held: Delivery[] = []
    const otlp = disposing(
      t,
      await start('', {
        ingress: new FakeIngress({ acknowledge: 'delivered' }),
        onDelivery: (delivery) => void held.push(delivery),
      }),
    )
    const agent = new http.Agent({ keepAlive: true })
    const sending = send(otlp.port, { body: spans('a'), agent })
    await until(() => held.length === 1, 'the delivery')
    const closing = otlp.receiver.close(new AbortController().signal)
    await assert.rejects(send(otlp.port, { body: spans('b') }))
    held[0]!.end(DELIVERED)
    const reply = await sending
    assert.deepEqual([reply.status, reply.headers.connection], [200, 'close'])
    await closing
    agent.destroy()
  })

  test('drops what is not answered at the deadline', async (t) => {
    const held: Delivery[] = []
    const otlp = disposing(
      t,
      await start('', {
        ingress: new FakeIngress({ acknowledge: 'delivered' }),
        onDelivery: (delivery) => void held.push(delivery),
      }),
    )
    const sending = send(otlp.port, { body: spans('a') })
    const failed = assert.rejects(sending)
    await until(() => held.length === 1, 'the delivery')
    await otlp.receiver.close(AbortSignal.timeout(50))
    await failed
    held[0]!.end(DELIVERED)
    assert.equal(otlp.ingress.budget.used, 0)
  })
})
