import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import { Refused } from '../../../src/component/refused.ts'
import { SIGNALS } from '../../../src/data/signal.ts'
import { HTTP_PATHS } from '../../../src/transport/otlp-paths.ts'
import { golden, goldenObject } from '../../data/golden.ts'
import { spansRequest } from '../../graph/requests.ts'
import { disposing } from '../../transport/disposing.ts'
import { FakeIngress } from '../../transport/fake-ingress.ts'
import { spans } from './payload.ts'
import { Running } from './running.ts'
import { freePort } from '../../free-ports.ts'

interface Answer {
  readonly status: number
  readonly type: string | null
  readonly body: unknown
  readonly headers: Headers
}

async function start(ingress = new FakeIngress({ signals: SIGNALS }), options = '') {
  const port = await freePort()
  const otlp = await Running.start(`{ protocols: { http: { endpoint: '127.0.0.1:${port}'${options} } } }`, { ingress })
  const post = async (
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
    const text = await reply.text()
    return {
      status: reply.status,
      type: reply.headers.get('content-type'),
      body: JSON.parse(text),
      headers: reply.headers,
    }
  }
  return { otlp, post, [Symbol.asyncDispose]: () => otlp[Symbol.asyncDispose]() }
}

const SUCCESS = { partialSuccess: {} }

describe('OTLP/JSON over HTTP', () => {
  test('each signal is taken as the bytes that Google would have sent, and answered in JSON', async (t) => {
    const { otlp, post } = disposing(t, await start())
    for (const signal of SIGNALS) {
      const { status, type, body } = await post(HTTP_PATHS[signal], JSON.stringify(goldenObject(signal)), {
        'content-type': 'application/json; charset=utf-8',
      })
      assert.deepEqual([status, type, body], [200, 'application/json', SUCCESS])
    }
    assert.deepEqual(
      otlp.taken.map(({ signal, bytes }) => [signal, bytes.equals(golden(signal as 'traces'))]),
      SIGNALS.map((signal) => [signal, true]),
    )
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('bodies may be compressed', async (t) => {
    const { otlp, post } = disposing(t, await start())
    const json = JSON.stringify(spansRequest('a'))
    for (const [coding, body] of [
      ['gzip', zlib.gzipSync(json)],
      ['zstd', zlib.zstdCompressSync(json)],
    ] as const) {
      const { status } = await post('/v1/traces', new Uint8Array(body), { 'content-encoding': coding })
      assert.equal(status, 200)
    }
    assert.ok(otlp.taken.length === 2 && otlp.taken.every(({ bytes }) => bytes.equals(spans('a'))))
  })

  test('an empty request is taken and goes nowhere', async (t) => {
    const { otlp, post } = disposing(t, await start())
    for (const json of ['{}', ' {"resourceSpans":[]} ', 'null']) {
      assert.deepEqual((await post('/v1/traces', json)).body, SUCCESS)
    }
    assert.equal(otlp.taken.length, 0)
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('what is malformed is answered 400 with a status in JSON that says where, and nothing stays in memory', async (t) => {
    const { otlp, post } = disposing(t, await start())
    const cases: [json: string, message: RegExp][] = [
      ['', /at byte 0: the request is not an object/],
      ['{"resourceSpans":[', /breaks off|not an object/],
      ['{} {}', /followed by something else/],
      [
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{},{"spanId":"ab"}]}]}]}',
        /scopeSpans\[0\]\.spans\[1\]\.spanId is not an id of 16/,
      ],
    ]
    for (const [json, message] of cases) {
      const { status, type, body } = await post('/v1/traces', json)
      assert.deepEqual([status, type], [400, 'application/json'])
      const { code, message: said } = body as { code: number; message: string }
      assert.equal(code, 3)
      assert.match(said, message)
    }
    const bad = await post('/v1/traces', 'no gzip', { 'content-encoding': 'gzip' })
    assert.deepEqual([bad.status, (bad.body as { code: number }).code], [400, 3])
    assert.equal(otlp.taken.length, 0)
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('a closed gate is answered 429 with a status in JSON and Retry-After', async (t) => {
    const { otlp, post } = disposing(t, await start())
    otlp.ingress.gate = new Refused('full', { code: 'resource_exhausted', retry: { after: 3000 } })
    const { status, headers, body } = await post('/v1/traces', '{}')
    assert.deepEqual([status, headers.get('retry-after')], [429, '3'])
    assert.deepEqual(body, {
      code: 8,
      message: 'full',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3s' }],
    })
  })

  test('the wire is charged beside the body: without room for it the request is to come again', async (t) => {
    const json = JSON.stringify(spansRequest(...Array.from({ length: 200 }, (_, index) => `span ${index}`)))
    const { otlp, post } = disposing(t, await start(new FakeIngress({ limit: Math.round(json.length * 1.3) })))
    const { status, body } = await post('/v1/traces', json)
    assert.deepEqual([status, (body as { code: number }).code], [429, 8])
    assert.equal(otlp.ingress.budget.used, 0)
    assert.ok(otlp.ingress.budget.peak >= json.length)
  })

  test('the limit of a body holds', async (t) => {
    const { post } = disposing(t, await start(undefined, ', max_request_body_size: 1000'))
    const { status, type } = await post('/v1/traces', `{"x":"${'x'.repeat(1000)}"}`)
    assert.deepEqual([status, type], [413, 'application/json'])
  })
})
