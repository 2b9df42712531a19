import assert from 'node:assert/strict'
import http from 'node:http'
import type net from 'node:net'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { ExporterContext } from '../../../src/component/context.ts'
import { UNKNOWN_ORIGIN } from '../../../src/component/delivery.ts'
import { Refused } from '../../../src/component/refused.ts'
import { batchOf, batchOfSlab } from '../../../src/data/batch.ts'
import type { Batch } from '../../../src/data/batch.ts'
import { ByteBudget } from '../../../src/data/memory/byte-budget.ts'
import { slabs } from '../../../src/data/memory/slab-pool.ts'
import { SIGNALS } from '../../../src/data/signal.ts'
import definition from '../../../src/exporters/otlp_http/index.ts'
import type { OtlpHttpOptions } from '../../../src/exporters/otlp_http/options.ts'
import { partialSuccessJson } from '../../../src/transport/partial-success.ts'
import { TestContext } from '../../component/test-context.ts'
import { golden, goldenObject } from '../../data/golden.ts'
import { spans } from '../../receivers/otlp/payload.ts'
import { configured, faultsOf } from '../../transport/configured.ts'
import { disposing } from '../../transport/disposing.ts'

interface Seen {
  readonly type: string | undefined
  readonly coding: string | undefined
  readonly body: Buffer
}

/** An exporter and a backend that answers `body` as `type`. */
async function stage(options = '', { status = 200, type = 'application/json', body = '' } = {}) {
  const seen: Seen[] = []
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { headers } = request
      seen.push({ type: headers['content-type'], coding: headers['content-encoding'], body: Buffer.concat(parts) })
      response.writeHead(status, { 'content-type': type }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  const config = configured(definition, `{ endpoint: 'http://127.0.0.1:${port}', encoding: json${options} }`)
  const context = Object.assign(new TestContext('otlp_http', config), { signals: SIGNALS })
  const made = definition.create(context as ExporterContext<OtlpHttpOptions>)
  await made.start?.()
  const { signal: abort } = new AbortController()
  const send = (batch: Batch) => made.send(batch, { abort, cancellation: abort, origin: UNKNOWN_ORIGIN })
  const stop = async () => {
    await made.stop?.(AbortSignal.abort())
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { seen, send, [Symbol.asyncDispose]: stop }
}

async function refusal(sending: Promise<unknown>): Promise<Refused> {
  const outcome = await sending.catch((error: unknown) => error)
  assert.ok(outcome instanceof Refused, `no refusal: ${String(outcome)}`)
  return outcome
}

describe('The otlp_http exporter with encoding json', () => {
  test('is valid', () => {
    assert.deepEqual(faultsOf(definition, '{ endpoint: http://x, encoding: json }'), [])
  })

  test('posts each signal as OTLP/JSON, compressed like protobuf', async (t) => {
    const { seen, send } = disposing(t, await stage())
    for (const signal of SIGNALS) await send(batchOf(signal, 1, golden(signal)))
    for (const [index, signal] of SIGNALS.entries()) {
      const { type, coding, body } = seen[index]!
      assert.deepEqual([type, coding], ['application/json', 'gzip'])
      assert.deepEqual(JSON.parse(gunzipSync(body).toString()), goldenObject(signal))
    }
  })

  test('charges the JSON to the budget of the batch while it is sent, and gives it back', async (t) => {
    const { seen, send } = disposing(t, await stage(', compression: none'))
    const budget = new ByteBudget(1024 * 1024)
    const bytes = spans('a')
    const slab = slabs.take(bytes.length)
    budget.tryTake(slab.capacity)
    slab.charge(budget)
    bytes.copy(slab.buffer)
    const before = budget.used
    await send(batchOfSlab('traces', 1, slab, bytes.length))
    assert.equal(budget.used, before)
    assert.ok(budget.peak > before)
    assert.equal(seen.length, 1)
  })

  test('a batch that is malformed is refused for good, one whose JSON finds no memory for now', async (t) => {
    const { seen, send } = disposing(t, await stage())
    const malformed = await refusal(send(batchOf('traces', 1, Buffer.from([0x0a, 0xff]))))
    assert.deepEqual([malformed.code, malformed.retry], ['invalid_argument', 'never'])
    const budget = new ByteBudget(4096)
    const bytes = spans('a')
    const slab = slabs.take(bytes.length)
    budget.tryTake(slab.capacity)
    slab.charge(budget)
    bytes.copy(slab.buffer)
    const overdrawn = await refusal(send(batchOfSlab('traces', 1, slab, bytes.length)))
    assert.deepEqual([overdrawn.code, overdrawn.retryable], ['resource_exhausted', true])
    assert.equal(seen.length, 0)
  })

  test('reads a partial success in JSON, as well as in protobuf', async (t) => {
    const body = '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}'
    const { send } = disposing(t, await stage('', { body }))
    assert.deepEqual(await send(batchOf('traces', 5, spans('a'))), { rejected: 3, reason: 'too old' })
    const plain = disposing(t, await stage('', { body: '{"partialSuccess":{}}' }))
    assert.equal(await plain.send(batchOf('traces', 1, spans('a'))), undefined)
  })

  test('says what a status in JSON says', async (t) => {
    const { send } = disposing(t, await stage('', { status: 400, body: '{"code":3,"message":"bad span"}' }))
    const refused = await refusal(send(batchOf('traces', 1, spans('a'))))
    assert.equal(refused.code, 'invalid_argument')
    assert.match(refused.message, /responded with HTTP Status Code 400: bad span$/)
  })
})

test('a partial success in JSON may have any spelling of its names, and anything else counts as none', () => {
  const cases: [json: string, expected: object | undefined][] = [
    ['{"partial_success":{"rejected_log_records":2}}', { rejected: 2, reason: '' }],
    ['{"partialSuccess":{"rejectedDataPoints":"7"}}', { rejected: 7, reason: '' }],
    ['{"partialSuccess":{"errorMessage":"careful"}}', { rejected: 0, reason: 'careful' }],
    ['{"partialSuccess":{"rejectedProfiles":"many"}}', undefined],
    ['{"partialSuccess":null}', undefined],
    ['null', undefined],
    ['{}', undefined],
    ['', undefined],
    ['<html>', undefined],
  ]
  for (const [json, expected] of cases) assert.deepEqual(partialSuccessJson(json), expected, json)
})
