import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { Refused } from '../../../src/component/refused.ts'
import { TestBed } from '../../../src/testing/bed.ts'
import { GRPC_PATHS } from '../../../src/transport/otlp-paths.ts'
import { decodeRpcStatus } from '../../../src/transport/rpc-status.ts'
import { disposing } from '../../transport/disposing.ts'
import { until } from '../../transport/until.ts'
import { spans } from './payload.ts'
import { freePort } from '../../free-ports.ts'

const same = (bytes: Buffer) => bytes

/** The whole engine: the receiver, a queue of one request, and a backend that a test holds up. */
async function start(queue: string) {
  const [http, rpc] = [await freePort(), await freePort()]
  const released: (() => void)[] = []
  const bed = await TestBed.start(
    `
    receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${http}' }, grpc: { endpoint: '127.0.0.1:${rpc}' } } } }
    exporters: { test_sink: { sending_queue: { queue_size: 1, ${queue} } } }
    service: { pipelines: { traces: { receivers: [otlp], exporters: [test_sink] } } }`,
    { onSend: () => new Promise<void>((resolve) => released.push(resolve)) },
  )
  const client = new grpc.Client(`127.0.0.1:${rpc}`, grpc.credentials.createInsecure())
  const post = (name: string) =>
    fetch(`http://127.0.0.1:${http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(spans(name)),
    })
  const call = (name: string) =>
    new Promise<grpc.ServiceError | null>((resolve) => {
      client.makeUnaryRequest(GRPC_PATHS.traces, same, same, spans(name), (error) => resolve(error))
    })
  const release = () => released.splice(0).forEach((resolve) => resolve())
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= bed.stop())
  const end = async () => {
    bed.onSend = undefined
    release()
    client.close()
    await stop()
  }
  return { bed, post, call, stop, release, released, [Symbol.asyncDispose]: end }
}

describe('The gate before OTLP', () => {
  test('tells senders to come again while a queue is full, over both protocols, and lets them in after', async (t) => {
    const { bed, post, call, release, released } = disposing(t, await start(''))
    assert.equal((await post('first')).status, 200)
    await until(() => released.length === 1, 'the first to be sent')
    const reply = await post('second')
    assert.equal(reply.status, 429)
    assert.match(reply.headers.get('retry-after') ?? '', /^\d+$/)
    const error = await call('second')
    assert.equal(error?.code, grpc.status.RESOURCE_EXHAUSTED)
    assert.ok(decodeRpcStatus(error.metadata.get('grpc-status-details-bin')[0] as Buffer)!.retryDelay! > 0)
    release()
    await until(() => bed.sent.length === 1, 'the backend')
    assert.equal((await post('second')).status, 200)
  })

  test('lets senders wait with block_on_overflow', async (t) => {
    const { bed, post, call, release, released } = disposing(t, await start('block_on_overflow: true'))
    await post('first')
    await until(() => released.length === 1, 'the first to be sent')
    let answers = 0
    const waiting = [
      post('second').then(({ status }) => (answers++, status)),
      call('third').then((error) => (answers++, error)),
    ]
    const since = performance.now()
    await until(() => performance.now() - since > 100, 'a moment')
    assert.equal(answers, 0)
    for (let sent = 1; sent <= 3; sent++) {
      await until(() => released.length === 1, 'a send')
      release()
      await until(() => bed.sent.length === sent, 'the backend')
    }
    assert.deepEqual(await Promise.all(waiting), [200, null])
  })

  test('keeps nobody waiting when the receiver stops', async (t) => {
    const { stop, post, call, release, released } = disposing(t, await start('block_on_overflow: true'))
    await post('first')
    await until(() => released.length === 1, 'the first to be sent')
    const waiting = [post('second').then(({ status }) => status), call('third').then((error) => error?.code)]
    const since = performance.now()
    await until(() => performance.now() - since > 100, 'a moment')
    const stopping = stop()
    assert.deepEqual(await Promise.all(waiting), [503, grpc.status.UNAVAILABLE])
    release()
    await stopping
  })

  test('hands a permanent refusal of the backend back with wait_for_result', async (t) => {
    const { bed, post, call } = disposing(t, await start('wait_for_result: true'))
    bed.onSend = () => {
      throw new Refused('bad span', { code: 'invalid_argument', retry: 'never' })
    }
    const reply = await post('first')
    assert.equal(reply.status, 400)
    assert.match(decodeRpcStatus(Buffer.from(await reply.arrayBuffer()))!.message, /bad span/)
    assert.equal((await call('second'))?.code, grpc.status.INVALID_ARGUMENT)
  })
})
