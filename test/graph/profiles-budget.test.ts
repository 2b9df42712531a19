import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logs, metrics, profiles, Refused, traces } from '../../src/plugin.ts'
import type { Batch, Signal } from '../../src/plugin.ts'
import { TestBed } from '../../src/testing.ts'

const MIB = 2 ** 20
const OTHERS = ['traces', 'metrics', 'logs'] as const
const TIME = 1n

/** A batch of about so many bytes, with one item that is as large. */
const MAKE: Readonly<Record<Signal, (bytes: number) => Batch>> = {
  traces: (bytes) =>
    traces({})
      .span({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'a'.repeat(bytes), start: TIME, end: TIME })
      .finish(),
  metrics: (bytes) => {
    const builder = metrics({})
    builder.gauge('a'.repeat(bytes), '1').point(1)
    return builder.finish()
  },
  logs: (bytes) =>
    logs({})
      .record({ body: 'a'.repeat(bytes) })
      .finish(),
  profiles: (bytes) => {
    const builder = profiles({})
    builder
      .profile({
        sampleType: { type: 'cpu', unit: 'nanoseconds' },
        time: TIME,
        original: { format: 'pprof', payload: Buffer.alloc(bytes) },
      })
      .sample({ values: [1] })
    return builder.finish()
  },
}

const configuration = (limits = '', processors = '') => `
  receivers: { test_source: }
  processors: { batch: { timeout: 0s, send_batch_size: 0 } }
  exporters: { test_sink: { sending_queue: { queue_size: 1000000, sizer: items } } }
  service:
    ${limits}
    pipelines:
      ${[...OTHERS, 'profiles']
        .map((signal) => `${signal}: { receivers: [test_source], processors: [${processors}], exporters: [test_sink] }`)
        .join('\n      ')}`

const isFull = (limit: number) => (error: unknown) => {
  assert.ok(error instanceof Refused)
  assert.equal(error.message, `the budget of ${limit} bytes for profiles is full`)
  assert.equal(error.code, 'resource_exhausted')
  assert.deepEqual(error.retry, { after: 1000 })
  return true
}

describe('the byte budget of profiles', () => {
  test('is 64 MiB unless told otherwise, all of which may be used at once', async () => {
    const bed = await TestBed.start(configuration())
    const { ingress } = bed.source()
    assert.equal(bed.graph.budgets.profiles.limit, 64 * MIB)
    const reserved = Array.from({ length: 8 }, () => ingress.reserve('profiles', 8 * MIB))
    assert.throws(() => ingress.reserve('profiles', 1), isFull(64 * MIB))
    for (const signal of OTHERS) ingress.reserve(signal, MIB).release()
    for (const slab of reserved) slab.release()
    ingress.reserve('profiles', 8 * MIB).release()
    await bed.stop()
  })

  test('refuses profiles when it is full, and nothing else, until profiles have gone', async () => {
    const gate = Promise.withResolvers<void>()
    const bed = await TestBed.start(configuration('limits: { profiles: 1MiB }'), { onSend: () => gate.promise })
    const { budgets } = bed.graph
    for (let count = 0; count < 4; count++) await bed.send('profiles', MAKE.profiles(256_000))
    await assert.rejects(bed.send('profiles', MAKE.profiles(256_000)), isFull(MIB))
    for (const signal of OTHERS) {
      await bed.send(signal, MAKE[signal](2 * MIB))
      assert.ok(budgets[signal].used > 2 * MIB)
    }
    assert.equal(budgets.profiles.used, MIB)
    assert.equal(bed.metrics.total('otelcol_receiver_refused_profile_samples'), 1)
    for (const items of ['spans', 'metric_points', 'log_records'])
      assert.equal(bed.metrics.total(`otelcol_receiver_refused_${items}`), 0)
    gate.resolve()
    await bed.until(() => budgets.profiles.used === 0, 'the bytes of profiles to come back')
    await bed.send('profiles', MAKE.profiles(256_000))
    await bed.stop()
  })

  test('is not touched when that of another signal is full', async () => {
    const gate = Promise.withResolvers<void>()
    const bed = await TestBed.start(configuration('limits: { logs: 1MiB }'), { onSend: () => gate.promise })
    for (let count = 0; count < 4; count++) await bed.send('logs', MAKE.logs(256_000))
    await assert.rejects(bed.send('logs', MAKE.logs(256_000)), /the budget of 1048576 bytes for logs is full/)
    assert.equal(bed.graph.budgets.profiles.used, 0)
    await bed.send('profiles', MAKE.profiles(256_000))
    gate.resolve()
    await bed.stop()
  })

  test('refuses for good what is larger than the whole of it', async () => {
    const bed = await TestBed.start(configuration('limits: { profiles: 1MiB }'))
    await assert.rejects(bed.send('profiles', MAKE.profiles(2 * MIB)), (error) => {
      assert.ok(error instanceof Refused)
      assert.equal(error.code, 'invalid_argument')
      assert.equal(error.retry, 'never')
      return true
    })
    await bed.stop()
  })

  test('is charged with what batch writes anew, and gets all of it back', async () => {
    const gate = Promise.withResolvers<void>()
    const bed = await TestBed.start(
      configuration('', 'batch').replace('timeout: 0s, send_batch_size: 0', 'timeout: 1h, send_batch_size: 2'),
      { onSend: () => gate.promise },
    )
    const { budgets } = bed.graph
    const sent = [MAKE.profiles(256_000), MAKE.profiles(256_000)].map((batch) => bed.send('profiles', batch))
    await bed.until(() => budgets.profiles.peak > 1_000_000, 'both and what they became to be charged')
    for (const signal of OTHERS) assert.equal(budgets[signal].peak, 0)
    gate.resolve()
    await Promise.all(sent)
    await bed.requests(1)
    await bed.until(() => budgets.profiles.used === 0, 'all bytes to come back')
    assert.equal(bed.items(), 2)
    await bed.stop()
  })
})
