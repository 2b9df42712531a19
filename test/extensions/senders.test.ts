import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext as Test } from 'node:test'
import type { Refused } from '../../src/component/refused.ts'
import { fromObject } from '../../src/data/codec/from-object.ts'
import { grpcClientOptions, GRPC_PATHS, makeUnaryClient, parseRetryAfter } from '../../src/plugin.ts'
import { Options } from '../../src/component/options.ts'
import { TestBed } from '../../src/testing.ts'
import { logsRequest } from '../graph/requests.ts'
import { freePort } from '../free-ports.ts'
import { configured } from '../transport/configured.ts'
import { disposing } from '../transport/disposing.ts'
import { Issuer, SigningKey } from './oidc/issuer.ts'

const BODY = Buffer.concat(fromObject('logs', logsRequest('a')).segments())

/** An answer of either protocol: nothing where all is well. */
type Answer = Pick<Refused, 'code' | 'message' | 'retry'> | undefined
type Send = (headers: Record<string, string>, body?: Buffer) => Promise<Answer>

const waitOf = (answer: Answer): number => (typeof answer?.retry === 'object' ? (answer.retry.after ?? 0) : 0)

/** A receiver with these extensions, and how to send to it over each protocol. */
async function receiver(t: Test, extensions: string, options: string) {
  const [grpc, http] = [await freePort(), await freePort()]
  const ids = extensions.match(/^\w+(\/\w+)?/gm) as string[]
  const bed = await TestBed.start(`
extensions:
  ${extensions.replaceAll('\n', '\n  ')}
receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:${grpc}", ${options} }
      http: { endpoint: "127.0.0.1:${http}", ${options} }
exporters: { test_sink: }
service:
  extensions: [${ids.join(', ')}]
  pipelines: { logs: { receivers: [otlp], exporters: [test_sink] } }
`)
  t.after(() => bed.stop())
  const client = await makeUnaryClient(
    configured({ config: Options(grpcClientOptions) }, `endpoint: http://127.0.0.1:${grpc}`),
  )
  t.after(() => client.close())
  const sends: Record<'grpc' | 'http', Send> = {
    async grpc(headers, body = BODY) {
      const metadata = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]))
      const sent = client.call(GRPC_PATHS.logs, [body], {
        timeout: 5000,
        abort: new AbortController().signal,
        metadata,
      })
      return sent.then(
        () => undefined,
        (error: Refused) => error,
      )
    },
    async http(headers, body = BODY) {
      const answer = await fetch(`http://127.0.0.1:${http}/v1/logs`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf', ...headers },
        body,
      })
      await answer.arrayBuffer()
      if (answer.status === 200) return undefined
      const codes: Record<number, Refused['code']> = {
        401: 'unauthenticated',
        429: 'resource_exhausted',
        503: 'unavailable',
      }
      const after = parseRetryAfter(answer.headers.get('retry-after') ?? undefined)
      assert.equal(answer.headers.get('www-authenticate'), answer.status === 401 ? 'Bearer realm="telegen"' : null)
      return {
        code: codes[answer.status] as Refused['code'],
        message: `${answer.status}`,
        retry: answer.status === 401 ? 'never' : after === undefined ? {} : { after },
      }
    },
  }
  return { bed, sends }
}

for (const protocol of ['grpc', 'http'] as const)
  describe(`senders over ${protocol}`, () => {
    test('who sends too many requests is told when to come again; others are not held up', async (t) => {
      const limits = 'rate_limiter: { by: [x-tenant], requests: { rate: 0.2, burst: 2 } }'
      const { bed, sends } = await receiver(t, limits, 'middlewares: [{ id: rate_limiter }]')
      const send = sends[protocol]
      assert.equal(await send({ 'x-tenant': 'a' }), undefined)
      assert.equal(await send({ 'x-tenant': 'a' }), undefined)
      const refused = await send({ 'x-tenant': 'a' })
      assert.equal(refused?.code, 'resource_exhausted')
      const wait = waitOf(refused)
      assert.ok(wait > 3000 && wait <= 5000, `${wait}`)
      assert.equal(await send({ 'x-tenant': 'b' }), undefined)
      assert.equal(bed.sent.length, 3)
      assert.equal(bed.metrics.total('telegen.rate_limiter.refused.requests', { limit: 'requests' }), 1)
    })

    test('bytes and items are counted as they turn out to be', async (t) => {
      for (const limit of [`bytes: { rate: 1, burst: ${BODY.length * 2} }`, 'items: { rate: 1, burst: 2 }']) {
        const { bed, sends } = await receiver(t, `rate_limiter: { ${limit} }`, 'middlewares: [{ id: rate_limiter }]')
        let sent = 0
        while ((await sends[protocol]({})) === undefined) assert.ok(++sent <= 4, limit)
        assert.ok(sent >= 2, `${limit}: ${sent}`)
        assert.equal(
          bed.metrics.total('telegen.rate_limiter.refused.requests', { limit: limit.split(':')[0] as string }),
          1,
        )
      }
    })

    test('tokens of an issuer open the receiver, and limits hold for whom they name', async (t) => {
      const key = new SigningKey('k')
      const issuer = disposing(t, await Issuer.start([key]))
      const { bed, sends } = await receiver(
        t,
        `oidc: { issuer_url: ${issuer.url}, audience: telegen }\nrate_limiter: { by: [auth.subject], requests: { rate: 0.1, burst: 1 } }`,
        'auth: { authenticator: oidc }, middlewares: [{ id: rate_limiter }]',
      )
      const send = sends[protocol]
      const right = { iss: issuer.url, aud: 'telegen' }
      const as = async (sub: string) => ({ authorization: `Bearer ${await key.token({ ...right, sub }, Date.now())}` })
      const ada = await as('ada')
      assert.equal(await send(ada), undefined)
      assert.deepEqual([bed.sent[0]?.origin.auth?.['subject'], bed.sent.length], ['ada', 1])
      assert.equal((await send(await as('ada')))?.code, 'resource_exhausted')
      assert.equal(await send(await as('bob')), undefined)
      assert.equal((await send({}))?.code, 'unauthenticated')
      assert.equal((await send({ authorization: `${ada.authorization}x` }))?.code, 'unauthenticated')
      assert.equal(bed.metrics.total('telegen.receiver.rejected.requests', { transport: protocol }), 3)
      assert.doesNotMatch(JSON.stringify(bed.logs), new RegExp(ada.authorization.slice(7, 40)))
    })

    test('while the issuer is away senders are told to come again', async (t) => {
      const [port] = [await freePort()]
      const { sends } = await receiver(
        t,
        `oidc: { issuer_url: "http://127.0.0.1:${port}/realm", audience: telegen }`,
        'auth: { authenticator: oidc }',
      )
      const refused = await sends[protocol]({ authorization: 'Bearer a.b.c' })
      assert.equal(refused?.code, 'unavailable')
      assert.ok(waitOf(refused) > 0)
    })
  })
