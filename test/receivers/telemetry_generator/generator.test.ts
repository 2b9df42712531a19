import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refused } from '../../../src/component/refused.ts'
import { TestBed } from '../../../src/testing/bed.ts'
import type { BedOptions } from '../../../src/testing/bed.ts'
import { TestClock } from '../../../src/testing/test-clock.ts'

const started = (options: string, sink = '{ test_sink: }', more: BedOptions = {}, signals = ['logs']) =>
  TestBed.start(
    `
    receivers: { otlp_generator: ${options} }
    exporters: ${sink}
    service:
      pipelines:
${signals.map((signal) => `        ${signal}: { receivers: [otlp_generator], exporters: [${/\w+/.exec(sink)![0]}] }`).join('\n')}`,
    more,
  )

const ID = { receiver: 'telemetry_generator' }

test('telemetry_generator makes so many items of each of its signals, and then no more', async () => {
  const bed = await started('{ rate: 0, total: 1234, items_per_request: 100, resources: 3 }', undefined, {}, [
    'traces',
    'metrics',
    'logs',
    'profiles',
  ])
  await bed.until(() => bed.items() === 4 * 1234, 'all items')
  await bed.until(() => bed.logs.filter(({ message }) => message.startsWith('All made-up')).length === 4, 'the end')
  await bed.stop()
  assert.equal(bed.items(), 4 * 1234)
  const text = JSON.stringify(await bed.requests(1))
  assert.match(text, /"telemetry_generator.made_up","value":\{"boolValue":true/)
  assert.match(text, /"key":"telemetry_generator.sequence","value":\{"intValue":"1233"/)
})

test('telemetry_generator keeps its rate and its duration', async () => {
  const clock = new TestClock()
  const bed = await started('{ rate: 100, items_per_request: 10, duration: 2s }', undefined, { clock })
  await clock.advance(1000)
  await bed.until(() => bed.items() === 110, 'a second and the one at its beginning')
  for (let at = 0; at < 30; at++) await clock.advance(100)
  await bed.stop()
  assert.equal(bed.items(), 200)
})

test('telemetry_generator leaves out what it is too late for, and counts it', async () => {
  const clock = new TestClock()
  const bed = await started('{ rate: 100, items_per_request: 10 }', undefined, { clock })
  await bed.until(() => bed.items() === 10, 'the first')
  const jump = clock.advance.bind(clock)
  const monotonic = clock.monotonic.bind(clock)
  let ahead = 0
  clock.monotonic = () => monotonic() + ahead
  ahead = 5_000
  for (let at = 0; at < 5; at++) await jump(100)
  await bed.until(() => bed.metrics.total('telegen.generator.skipped.items', { ...ID, reason: 'late' }) > 0, 'a skip')
  await bed.stop()
  const late = bed.metrics.total('telegen.generator.skipped.items', { ...ID, reason: 'late', 'otel.signal': 'logs' })
  // Five seconds, of which one is made up for.
  assert.ok(late >= 380 && late <= 410, String(late))
})

test('telemetry_generator at a rate leaves out what the gate is closed for; what it numbers has no gap', async () => {
  const released: (() => void)[] = []
  const sink = '{ test_sink: { sending_queue: { queue_size: 1, num_consumers: 1 } } }'
  const bed = await started('{ rate: 5000, items_per_request: 10 }', sink, {
    onSend: () => new Promise<void>((resolve) => released.push(resolve)),
  })
  const skips = () =>
    bed.metrics.total('telegen.generator.skipped.items', { ...ID, reason: 'gate', 'otel.signal': 'logs' })
  await bed.until(() => skips() >= 50, 'skips')
  const before = skips()
  bed.onSend = undefined
  for (const release of released.splice(0)) release()
  await bed.until(() => bed.items() >= 100, 'more items')
  await bed.stop()
  assert.ok(before >= 50)
  const text = JSON.stringify(await bed.requests(1))
  const numbers = [...text.matchAll(/"telemetry_generator.sequence","value":\{"intValue":"(\d+)"/g)].map(([, number]) =>
    Number(number),
  )
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index),
  )
})

test('telemetry_generator without a rate waits for room, and skips nothing', async () => {
  const bed = await started(
    '{ rate: 0, items_per_request: 10, total: 2000 }',
    '{ test_sink: { sending_queue: { queue_size: 2 } } }',
  )
  await bed.until(() => bed.items() === 2000, 'all items')
  await bed.stop()
  assert.equal(bed.metrics.total('telegen.generator.skipped.items'), 0)
  assert.equal(bed.items(), 2000)
})

test('telemetry_generator counts what was refused after it was made as lost, by reason', async () => {
  const bed = await started('{ rate: 0, items_per_request: 10, total: 50 }', '{ test_direct: }', {
    onSend: () => {
      throw new Refused('no', { code: 'invalid_argument', retry: 'never' })
    },
  })
  await bed.until(() => bed.metrics.total('telegen.dropped.items', { reason: 'invalid_argument' }) >= 50, 'losses')
  await bed.stop()
  assert.equal(bed.metrics.total('telegen.dropped.items', { signal: 'logs' }), 50)
})

test('telemetry_generator stops at once while it waits for room', async () => {
  const bed = await started('{ rate: 0 }', '{ test_sink: { sending_queue: { queue_size: 1, num_consumers: 1 } } }', {
    onSend: (_, { abort }) =>
      new Promise((_resolve, reject) => abort.addEventListener('abort', () => reject(abort.reason as Error))),
  })
  await bed.until(() => bed.metrics.total('otelcol_receiver_accepted_log_records') >= 512, 'a full queue')
  const began = performance.now()
  await bed.stop(AbortSignal.timeout(100))
  assert.ok(performance.now() - began < 5_000)
})

test('telemetry_generator refuses options that would need too much memory', async () => {
  await assert.rejects(
    started('{ items_per_request: 100000, attributes: 100, attribute_size: 4096 }'),
    /a request would have about 39\d+ MiB; at most 32 MiB are made/,
  )
})

test('telemetry_generator refuses a rate that is none, and one that could not be counted', async () => {
  await assert.rejects(started('{ rate: .nan }'), /'rate' must be a number in a range, not NaN/)
  await assert.rejects(started('{ rate: 1.7e308 }'), /'rate' must be at most 1000000000/)
})
