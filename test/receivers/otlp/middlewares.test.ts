import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as grpc from '@grpc/grpc-js'
import { Refused } from '../../../src/component/refused.ts'
import type { RequestLimiter, Sender, Taken } from '../../../src/component/request-limiting.ts'
import { GRPC_PATHS } from '../../../src/transport/otlp-paths.ts'
import { disposing } from '../../transport/disposing.ts'
import { spans } from './payload.ts'
import { Running } from './running.ts'
import { freePort } from '../../free-ports.ts'

const FULL = new Refused('too many requests', { code: 'resource_exhausted', retry: { after: 7000 } })
const same = (bytes: Buffer) => bytes
const WAY_IN = ['grpc', 'http'] as const

/** Refuses senders whose header `tenant` is `loud`, and remembers what it is told. */
class Recorder implements RequestLimiter {
  asked = 0
  readonly told: Taken[] = []

  refuse({ metadata, peer }: Sender): Refused | undefined {
    assert.match(peer, /^127\.0\.0\.1:\d+$/)
    this.asked++
    return metadata.get('tenant')?.[0] === 'loud' ? FULL : undefined
  }

  took(_: Sender, taken: Taken): void {
    this.told.push(taken)
  }
}

async function start(t: TestContext, limiters: Readonly<Record<string, RequestLimiter>>, protocol: 'grpc' | 'http') {
  const port = await freePort()
  const ids = Object.keys(limiters).map((id) => `{ id: ${id} }`)
  const yaml = `{ protocols: { ${protocol}: { endpoint: '127.0.0.1:${port}', middlewares: [${ids.join()}] } } }`
  const running = disposing(t, await Running.start(yaml, { extensions: limiters }))
  /** The answer's status. */
  const send = async (body: Buffer, tenant: string): Promise<string> => {
    if (protocol === 'http') {
      const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip', tenant }
      const url = `http://127.0.0.1:${port}/v1/traces`
      const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(gzipSync(body)) })
      return `${answer.status} ${answer.headers.get('retry-after') ?? ''}`
    }
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      'grpc.default_compression_algorithm': 2,
    })
    const metadata = new grpc.Metadata()
    metadata.set('tenant', tenant)
    return new Promise((resolve) => {
      client.makeUnaryRequest(GRPC_PATHS.traces, same, same, body, metadata, {}, (error) => {
        client.close()
        resolve(error ? `${error.code} ${error.details}` : '0')
      })
    })
  }
  return { running, send }
}

for (const protocol of WAY_IN)
  describe(`Middlewares over ${protocol}`, () => {
    const fine = protocol === 'http' ? '200 ' : '0'
    const refused = protocol === 'http' ? '429 7' : '8 too many requests'

    test('a limiter is asked about each request once, and told its bytes and items', async (t) => {
      const limiter = new Recorder()
      const { running, send } = await start(t, { limiter }, protocol)
      const body = spans('a', 'b', 'c')
      assert.equal(await send(body, 'quiet'), fine)
      assert.equal(limiter.asked, 1)
      assert.deepEqual(limiter.told, [{ bytes: body.length }, { items: 3 }])
      assert.equal(running.taken.length, 1)
    })

    test('who is refused is told to come again, and nothing of the body is taken', async (t) => {
      const limiter = new Recorder()
      const { running, send } = await start(t, { limiter }, protocol)
      assert.equal(await send(spans('a'), 'loud'), refused)
      assert.equal(running.taken.length, 0)
      assert.deepEqual(limiter.told, [])
      assert.equal(running.context.counts.get('telegen.receiver.rejected.requests'), 1)
    })

    test('what turns out malformed is told with its bytes alone', async (t) => {
      const limiter = new Recorder()
      const { send } = await start(t, { limiter }, protocol)
      assert.notEqual(await send(Buffer.from('no protobuf'), 'quiet'), fine)
      assert.deepEqual(limiter.told, [{ bytes: 11 }])
    })

    test('of several the first that refuses is the answer, and those that let in hear of all', async (t) => {
      const first: RequestLimiter = { refuse: () => undefined, took: () => {} }
      const [second, third] = [new Recorder(), new Recorder()]
      const { send } = await start(t, { first, second, third }, protocol)
      assert.equal(await send(spans('a'), 'loud'), refused)
      assert.equal(third.asked, 0)
      assert.equal(await send(spans('a'), 'quiet'), fine)
      assert.equal(third.told.length, 2)
      assert.equal(second.told.length, 2)
    })
  })
