import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import type { Delivery } from '../../../src/component/delivery.ts'
import { DELIVERED } from '../../../src/component/delivery.ts'
import { Refused } from '../../../src/component/refused.ts'
import { GRPC_PATHS } from '../../../src/transport/otlp-paths.ts'
import { decodeRpcStatus } from '../../../src/transport/rpc-status.ts'
import { FakeIngress } from '../../transport/fake-ingress.ts'
import { until } from '../../transport/until.ts'
import { logs, spans } from './payload.ts'
import { Running } from './running.ts'
import { freePort } from '../../free-ports.ts'
import { disposing } from '../../transport/disposing.ts'

const same = (bytes: Buffer) => bytes

async function start(yaml = '', options: Parameters<typeof Running.start>[1] = {}) {
  const port = await freePort()
  const running = await Running.start(
    `{ protocols: { grpc: { endpoint: '127.0.0.1:${port}' ${yaml && `, ${yaml}`} } } }`,
    options,
  )
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
  })
  const send = (path: string, body: Buffer, metadata = new grpc.Metadata()) =>
    new Promise<{ error: grpc.ServiceError | null; answer?: Buffer | undefined }>((resolve) => {
      client.makeUnaryRequest(path, same, same, body, metadata, {}, (error, answer) => resolve({ error, answer }))
    })
  const stop = async () => {
    client.close()
    await running[Symbol.asyncDispose]()
  }
  return { running, ingress: running.ingress, taken: running.taken, client, send, [Symbol.asyncDispose]: stop }
}

describe('OTLP over gRPC', () => {
  test('takes each signal by its method and answers with an empty response', async (t) => {
    const otlp = disposing(t, await start())
    const body = spans('a', 'b')
    const { error, answer } = await otlp.send(GRPC_PATHS.traces, body)
    assert.equal(error, null)
    assert.equal(answer?.length, 0)
    await otlp.send(GRPC_PATHS.logs, logs('x'))
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

  test('a signal that stands in no pipeline is UNIMPLEMENTED', async (t) => {
    const otlp = disposing(t, await start('', { ingress: new FakeIngress({ signals: ['logs'] }) }))
    assert.equal((await otlp.send(GRPC_PATHS.traces, spans('a'))).error?.code, grpc.status.UNIMPLEMENTED)
    assert.equal((await otlp.send(GRPC_PATHS.profiles, Buffer.alloc(0))).error?.code, grpc.status.UNIMPLEMENTED)
  })

  test('an empty request succeeds, and nothing is delivered', async (t) => {
    const otlp = disposing(t, await start())
    assert.equal((await otlp.send(GRPC_PATHS.traces, Buffer.alloc(0))).error, null)
    assert.equal(otlp.taken.length, 0)
  })

  test('malformed messages are INVALID_ARGUMENT', async (t) => {
    const otlp = disposing(t, await start())
    assert.equal(
      (await otlp.send(GRPC_PATHS.traces, Buffer.from('nonsense'))).error?.code,
      grpc.status.INVALID_ARGUMENT,
    )
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('a closed gate is RESOURCE_EXHAUSTED with RetryInfo', async (t) => {
    const otlp = disposing(t, await start())
    otlp.ingress.gate = new Refused('the queue is full', { code: 'resource_exhausted', retry: { after: 1500 } })
    const { error } = await otlp.send(GRPC_PATHS.traces, spans('a'))
    assert.equal(error?.code, grpc.status.RESOURCE_EXHAUSTED)
    const [details] = error.metadata.get('grpc-status-details-bin')
    assert.equal(decodeRpcStatus(details as Buffer)?.retryDelay, 1500)
    assert.equal(otlp.ingress.budget.peak, 0)
  })

  test('with block_on_overflow senders wait at the gate, and one that goes away waits no longer', async (t) => {
    const otlp = disposing(t, await start())
    otlp.ingress.blocks = true
    otlp.ingress.gate = new Refused('full', { code: 'resource_exhausted', retry: {} })
    const sending = otlp.send(GRPC_PATHS.traces, spans('a'))
    const call = otlp.client.makeUnaryRequest(GRPC_PATHS.logs, same, same, logs('b'), () => {})
    await until(() => otlp.ingress.waiting === 2, 'the requests to wait')
    call.cancel()
    otlp.ingress.gate = undefined
    assert.equal((await sending).error, null)
  })

  test('what refuses a delivery is what the sender is told', async (t) => {
    let refused = new Refused('', { code: 'internal', retry: 'never' })
    const otlp = disposing(t, await start('', { onDelivery: (delivery) => delivery.end(refused) }))
    for (const [code, retry, status] of [
      ['unavailable', {}, grpc.status.UNAVAILABLE],
      ['internal', 'never', grpc.status.INTERNAL],
      ['unauthenticated', 'never', grpc.status.UNAUTHENTICATED],
      ['unavailable', 'never', grpc.status.INTERNAL],
      ['internal', {}, grpc.status.UNAVAILABLE],
    ] as const) {
      refused = new Refused('because', { code, retry })
      assert.equal((await otlp.send(GRPC_PATHS.traces, spans('a'))).error?.code, status)
    }
    assert.equal(otlp.ingress.budget.used, 0)
  })

  test('answers when the promised level is reached', async (t) => {
    const held: Delivery[] = []
    const otlp = disposing(
      t,
      await start('', {
        ingress: new FakeIngress({ acknowledge: 'delivered' }),
        onDelivery: (delivery) => void held.push(delivery),
      }),
    )
    let answered = false
    const sending = otlp.send(GRPC_PATHS.traces, spans('a')).then((reply) => ((answered = true), reply))
    await until(() => held.length === 1, 'the delivery')
    held[0]!.reach('durable')
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(answered, false)
    held[0]!.end(DELIVERED)
    assert.equal((await sending).error, null)
  })

  test('passes metadata on where it is told to', async (t) => {
    const otlp = disposing(t, await start('include_metadata: true'))
    const metadata = new grpc.Metadata()
    metadata.set('x-tenant', 'a')
    await otlp.send(GRPC_PATHS.traces, spans('a'), metadata)
    assert.deepEqual(otlp.taken[0]!.origin.metadata.get('x-tenant'), ['a'])
    assert.match(otlp.taken[0]!.origin.peer!, /^127\.0\.0\.1:/)
  })

  test('both protocols run beside each other, and where one cannot start the other is closed again', async (t) => {
    const [one, two] = [await freePort(), await freePort()]
    const yaml = (http: number) =>
      `{ protocols: { grpc: { endpoint: '127.0.0.1:${one}' }, http: { endpoint: '127.0.0.1:${http}' } } }`
    await assert.rejects(Running.start(yaml(one)), /bind: address already in use/)
    const both = disposing(t, await Running.start(yaml(two)))
    assert.equal(both.taken.length, 0)
  })
})
