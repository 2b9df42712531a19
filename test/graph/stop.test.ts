import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mergeMap, Observable, Subject } from 'rxjs'
import { defineExtension, defineProcessor, defineReceiver, Options } from '../../src/plugin.ts'
import type { Delivery, Extension, Ingress, Processor, Receiver } from '../../src/plugin.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { logsRequest } from './requests.ts'
import { logs } from '../../src/data/builders/logs.ts'

const config = Options({})
const processor = (type: string, create: () => Processor) =>
  defineProcessor({ type, summary: 'For a stop.', stability: { logs: 'development' }, config, create })
const extension = (type: string, create: () => Extension) =>
  defineExtension({ type, summary: 'For a stop.', stability: { extension: 'development' }, config, create })
const receiver = (type: string, create: (ingress: Ingress) => Receiver) =>
  defineReceiver({
    type,
    summary: 'For a stop.',
    stability: { logs: 'development' },
    config,
    create: ({ ingress }) => create(ingress),
  })

const batch = () => {
  const builder = logs({})
  builder.record({ body: 'a' })
  return builder.finish()
}

const withProcessor = (type: string) => `
  receivers: { test_source: }
  processors: { ${type}: }
  exporters: { test_sink: }
  service: { pipelines: { logs: { receivers: [test_source], processors: [${type}], exporters: [test_sink] } } }`

const withExtensions = (...types: string[]) => `
  receivers: { test_source: }
  exporters: { test_sink: }
  extensions: { ${types.map((type) => `${type}: `).join(', ')} }
  service:
    extensions: [${types.join(', ')}]
    pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } }`

const never = () => new Promise<never>(() => {})
const aborted = () => AbortSignal.abort(new Error('now'))

/** Stops with a deadline that has passed, and turns the clock until the stop has ended. */
async function stopNow(bed: TestBed, clock: TestClock): Promise<void> {
  let ended = false
  const stopping = bed.stop(aborted()).finally(() => (ended = true))
  stopping.catch(() => {})
  for (let turn = 0; turn < 60 && !ended; turn++) await clock.advance(1_000)
  assert.ok(ended, 'the stop ends within a minute')
  await stopping
}

describe('a stop', () => {
  test('refuses what a processor holds that does not complete by the deadline, and counts it', async () => {
    const clock = new TestClock()
    let subscribed = 0
    const collects = processor('collects', () => ({
      operator: (source) =>
        new Observable<Delivery>(() => {
          const kept: Delivery[] = []
          source.subscribe((delivery) => {
            delivery.reach('accepted')
            kept.push(delivery)
          })
          subscribed++
          return () => subscribed--
        }),
    }))
    const bed = await TestBed.start(withProcessor('collects'), { clock, definitions: [collects] })
    await bed.send('logs', logsRequest('a', 'b'))
    assert.notEqual(bed.graph.budgets.logs.used, 0)
    await stopNow(bed, clock)
    assert.equal(bed.metrics.total('telegen.dropped.items', { component: 'collects' }), 2)
    assert.equal(subscribed, 0, 'the operator is unsubscribed from')
  })

  test('refuses what comes out of a processor after its pipeline has been given up', async () => {
    const clock = new TestClock()
    const gate = Promise.withResolvers<void>()
    const slow = processor('slow', () => ({
      operator: mergeMap(async (delivery: Delivery) => {
        await gate.promise
        return delivery
      }),
    }))
    const bed = await TestBed.start(withProcessor('slow'), { clock, definitions: [slow] })
    const sent = bed.send('logs', logsRequest('a'))
    sent.catch(() => {})
    await stopNow(bed, clock)
    await assert.rejects(sent, /"slow".* has stopped/)
    gate.resolve()
    await clock.advance(10)
    assert.equal(bed.sent.length, 0)
  })

  test('does not wait for ever for components that do not stop, names them, and stops the others', async () => {
    const clock = new TestClock()
    const stopped: string[] = []
    const bed = await TestBed.start(withExtensions('well', 'hangs', 'throws'), {
      clock,
      definitions: [
        extension('well', () => ({ stop: async () => void stopped.push('well') })),
        extension('hangs', () => ({ stop: never })),
        extension('throws', () => ({
          stop() {
            throw new Error('not like this')
          },
        })),
      ],
    })
    await assert.rejects(stopNow(bed, clock), (error) => {
      assert.ok(error instanceof AggregateError)
      assert.deepEqual(
        error.errors.map(({ message }: Error) => message.replace(/\d+ ms/, 'N ms')),
        [
          'failed to stop "throws" extension: not like this',
          'failed to stop "hangs" extension: has not ended N ms after the deadline',
        ],
      )
      return true
    })
    assert.deepEqual(stopped, ['well'])
  })

  test('does not wait for ever for a receiver that does not close, and takes nothing more from it', async () => {
    const clock = new TestClock()
    const stream = new Subject<Delivery>()
    let ingress: Ingress | undefined
    const stays = receiver('stays', (given) => {
      ingress = given
      return { open: async () => stream, close: never }
    })
    const bed = await TestBed.start(
      `
      receivers: { stays: }
      exporters: { test_sink: }
      service: { pipelines: { logs: { receivers: [stays], exporters: [test_sink] } } }`,
      { clock, definitions: [stays] },
    )
    const { budgets } = bed.graph
    // Admitted and never emitted: refused by the stop.
    const late = ingress?.admit('logs', batch())
    await assert.rejects(stopNow(bed, clock), /did not stop cleanly/)
    await assert.rejects(late?.reached('accepted') as Promise<void>, /stays/)
    assert.throws(() => ingress?.admit('logs', batch()), /has stopped/)
    assert.equal(stream.observed, false)
    assert.equal(budgets.logs.used, 0)
  })

  test('answers those who still wait at the gate', async () => {
    const clock = new TestClock()
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      exporters: { test_sink: { sending_queue: { queue_size: 1, num_consumers: 1, block_on_overflow: true } } }
      service: { pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } } }`,
      { clock, onSend: () => never() },
    )
    await bed.send('logs', logsRequest('a'))
    const { ingress } = bed.source()
    const outcomes: string[] = []
    const hear = (who: string, waiting: Promise<unknown>) =>
      waiting.catch(({ message }: Error) => outcomes.push(`${who} ${message}`))
    void hear('enter', ingress.enter('logs', batch()))
    void hear('ready', ingress.ready('logs'))
    await clock.advance(10)
    await assert.rejects(stopNow(bed, clock), /still charged/)
    assert.deepEqual(outcomes.toSorted(), ['enter test_source has stopped', 'ready test_source has stopped'])
  })

  test('leaves a receiver stopped whose stream completes while it closes, and an exporter that was in trouble', async () => {
    const stream = new Subject<Delivery>()
    const completes = receiver('completes', () => ({ open: async () => stream, close: async () => stream.complete() }))
    const bed = await TestBed.start(
      `
      receivers: { completes: , test_source: }
      exporters: { test_sink: }
      service: { pipelines: { logs: { receivers: [completes, test_source], exporters: [test_sink] } } }`,
      {
        definitions: [completes],
        onSend: () => {
          throw new Error('no backend')
        },
      },
    )
    await bed.send('logs', logsRequest('a'))
    const { graph } = bed
    await bed.stop()
    assert.deepEqual(
      graph.statuses().map(({ id, state }) => `${id} ${state}`),
      ['test_sink stopped', 'completes stopped', 'test_source stopped'],
    )
  })

  test('leaves no gauge behind', async () => {
    const bed = await TestBed.start(withExtensions())
    await bed.stop()
    const gauges = bed.metrics.measurements().filter(({ kind }) => kind === 'gauge')
    assert.deepEqual(gauges, [])
  })
})

describe('a start', () => {
  test('that never ends can be called off', async () => {
    const stopped: string[] = []
    const calledOff = new AbortController()
    const starting = TestBed.start(withExtensions('well', 'hangs'), {
      abort: calledOff.signal,
      definitions: [
        extension('well', () => ({ stop: async () => void stopped.push('well') })),
        extension('hangs', () => ({
          start() {
            setImmediate(() => calledOff.abort(new Error('SIGTERM')))
            return never()
          },
        })),
      ],
    })
    await assert.rejects(starting, /failed to start "hangs" extension: SIGTERM/)
    assert.deepEqual(stopped, ['well'])
  })

  test('that fails is told as what it is, although a component does not stop cleanly after it', async () => {
    await assert.rejects(
      TestBed.start(withExtensions('sticks', 'fails'), {
        definitions: [
          extension('sticks', () => ({ stop: () => Promise.reject(new Error('stuck')) })),
          extension('fails', () => ({ start: () => Promise.reject(new Error('no such thing')) })),
        ],
      }),
      /failed to start "fails" extension: no such thing/,
    )
  })
})
