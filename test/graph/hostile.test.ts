import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filter, map, Observable, tap } from 'rxjs'
import type { Delivery, Ingress, Step } from '../../src/plugin.ts'
import { DELIVERED, defineProcessor, defineReceiver, Options, receive, Refused } from '../../src/plugin.ts'
import type { Processor } from '../../src/plugin.ts'
import { logs } from '../../src/data/builders/logs.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { bodiesOf, logsRequest } from './requests.ts'

const processor = (type: string, create: () => Processor) =>
  defineProcessor({ type, summary: 'Misbehaves.', stability: { logs: 'development' }, config: Options({}), create })

const hook = (act: () => void): Processor => ({ steps: [{ on: 'logRecord', act } satisfies Step] })

/** One engine: a pipeline with the bad processor, and a healthy one beside it. */
const withProcessor = (type: string, create: () => Processor, clock = new TestClock()) =>
  TestBed.start(
    `
    receivers: { test_source/bad: , test_source/well: }
    processors: { ${type}: }
    exporters: { test_direct/bad: , test_direct/well: }
    service:
      pipelines:
        logs/bad: { receivers: [test_source/bad], processors: [${type}], exporters: [test_direct/bad] }
        logs/well: { receivers: [test_source/well], exporters: [test_direct/well] }`,
    { definitions: [processor(type, create)], clock },
  )

const named = (bed: TestBed, type: string, what: RegExp) => {
  assert.match(String(bed.status(type).reason), what)
  assert.ok(
    bed.logs.some(
      ({ level, message, fields }) =>
        level === 'warn' &&
        what.test(`${message} ${JSON.stringify(fields)} ${String(fields['error'])}`) &&
        JSON.stringify(fields).includes(type),
    ),
    `a log line names ${type}: ${JSON.stringify(bed.logs)}`,
  )
}

const wellGoesOn = async (bed: TestBed) => {
  const before = bed.items('test_direct/well')
  await bed.send('logs', logsRequest('well'), { source: 'test_source/well' })
  assert.equal(bed.items('test_direct/well'), before + 1)
}

test('a processor that never ends a delivery is named, and sender and memory are free again', async () => {
  const clock = new TestClock()
  const bed = await withProcessor('forgets', () => ({ operator: filter(() => false) }), clock)
  const sent = bed.send('logs', logsRequest('a'), { source: 'test_source/bad' })
  sent.catch(() => {})
  await wellGoesOn(bed)
  await clock.advance(40_000)
  await assert.rejects(sent, /processor "forgets" in pipeline "logs\/bad" forgot a delivery/)
  named(bed, 'forgets', /forgot 1 deliveries/)
  assert.equal(bed.graph.budgets.logs.used, 0)
  await bed.stop()
})

test('a processor that ends a delivery twice is named, and its sender hears the first end', async () => {
  const twice = tap((delivery: Delivery) => {
    delivery.end(DELIVERED)
    delivery.end(DELIVERED)
  })
  const bed = await withProcessor('ends_twice', () => ({ operator: twice }))
  await bed.send('logs', logsRequest('a'), { source: 'test_source/bad' })
  await wellGoesOn(bed)
  assert.ok(
    bed.logs.some(({ message }) => message === 'processor "ends_twice" in pipeline "logs/bad" ended a delivery twice'),
  )
  assert.ok(bed.logs.some(({ message }) => message.includes('emitted a delivery that it does not hold')))
  assert.equal(bed.items('test_direct/bad'), 0)
  await bed.stop()
})

test('a hook that throws refuses its batch and is named; the next batch goes on', async () => {
  let bad = true
  const bed = await withProcessor('throws', () =>
    hook(() => {
      if (bad) throw new Error('a bug of mine')
    }),
  )
  await assert.rejects(bed.send('logs', logsRequest('a'), { source: 'test_source/bad' }), (error) => {
    assert.ok(error instanceof Refused)
    assert.equal(error.component, 'throws')
    assert.match(error.message, /a bug of mine/)
    return !error.retryable
  })
  named(bed, 'throws', /a bug of mine/)
  await wellGoesOn(bed)
  bad = false
  await bed.send('logs', logsRequest('b'), { source: 'test_source/bad' })
  assert.deepEqual(bodiesOf(await bed.requests(1, 'test_direct/bad')), ['b'])
  assert.equal(bed.status('throws').state, 'ok')
  await bed.stop()
})

test('an operator that errors refuses what is inside, is named, and is subscribed to again', async () => {
  const clock = new TestClock()
  let broken = true
  const errs = map((delivery: Delivery) => {
    if (broken) throw new Error('lost my mind')
    return delivery
  })
  const bed = await withProcessor('errs', () => ({ operator: errs }), clock)
  await assert.rejects(bed.send('logs', logsRequest('a'), { source: 'test_source/bad' }), /lost my mind/)
  named(bed, 'errs', /lost my mind/)
  await assert.rejects(bed.send('logs', logsRequest('b'), { source: 'test_source/bad' }), /is being restarted/)
  await wellGoesOn(bed)
  broken = false
  await clock.advance(200)
  await bed.send('logs', logsRequest('c'), { source: 'test_source/bad' })
  assert.deepEqual(bodiesOf(await bed.requests(1, 'test_direct/bad')), ['c'])
  await bed.stop()
})

test('a processor that blocks is named with how long it did', async () => {
  const bed = await withProcessor('blocks', () =>
    hook(() => {
      for (const end = performance.now() + 300; performance.now() < end;);
    }),
  )
  await bed.send('logs', logsRequest('a'), { source: 'test_source/bad' })
  named(bed, 'blocks', /kept the event loop for [23]\d\d ms/)
  await wellGoesOn(bed)
  await bed.stop()
})

test('a receiver whose stream errors is named and subscribed to again, and one that floods is refused at the gate', async () => {
  const clock = new TestClock()
  let broken = true
  let refused = 0
  const receiver = (type: string, deliveries: (ingress: Parameters<typeof emitting>[0]) => Observable<Delivery>) =>
    defineReceiver({
      type,
      summary: 'Misbehaves.',
      stability: { logs: 'development' },
      config: Options({}),
      create: ({ ingress }) => receive({ open: async () => undefined, deliveries: () => deliveries(ingress) }),
    })
  const emitting = (ingress: Ingress) =>
    ingress.admit(
      'logs',
      logs({})
        .record({ body: 'x'.repeat(500) })
        .finish(),
    )
  const errs = receiver(
    'errs',
    (ingress) =>
      new Observable((subscriber) => {
        if (broken) subscriber.error(new Error('socket is gone'))
        else subscriber.next(emitting(ingress))
      }),
  )
  const floods = receiver(
    'floods',
    (ingress) =>
      new Observable((subscriber) => {
        for (let count = 0; count < 10_000; count++) {
          try {
            subscriber.next(emitting(ingress))
          } catch (error) {
            assert.ok(error instanceof Refused)
            refused++
          }
        }
      }),
  )
  const gate = Promise.withResolvers<void>()
  const bed = await TestBed.start(
    `
    receivers: { errs: , floods: , test_source/well: }
    exporters: { test_sink/errs: , test_sink/floods: { sending_queue: { queue_size: 100 } }, test_direct/well: }
    service:
      limits: { logs: 1MiB }
      pipelines:
        logs/errs: { receivers: [errs], exporters: [test_sink/errs] }
        logs/floods: { receivers: [floods], exporters: [test_sink/floods] }
        logs/well: { receivers: [test_source/well], exporters: [test_direct/well] }`,
    {
      definitions: [errs, floods],
      clock,
      onSend: (_, { exporter }) => (exporter.endsWith('floods') ? gate.promise : undefined),
    },
  )
  named(bed, 'errs', /socket is gone/)
  assert.equal(refused, 9_900)
  assert.match(String(bed.status('floods').reason), /refusing data: sending queue is full/)
  assert.equal(
    bed.logs.filter(({ message }) => message.startsWith('Refusing data')).length,
    1,
    'said once, not ten thousand times',
  )
  await wellGoesOn(bed)
  broken = false
  await clock.advance(1000)
  await bed.requests(1, 'test_sink/errs')
  assert.equal(bed.status('errs').state, 'ok')
  gate.resolve()
  await bed.requests(100, 'test_sink/floods')
  await bed.stop()
})
