import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { map } from 'rxjs'
import { defineExtension, defineProcessor, Options, Refused } from '../../src/plugin.ts'
import { settle, TestBed, TestClock } from '../../src/testing.ts'
import { bodiesOf, logsRequest } from './requests.ts'

const later = () => new Refused('backend is down', { code: 'unavailable', retry: {} })

describe('a graph', () => {
  test('carries a batch from receiver to exporter and acknowledges it', async () => {
    const bed = await TestBed.start(`
      receivers: { test_source: }
      exporters: { test_sink: }
      service: { pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } } }`)
    await bed.send('logs', logsRequest('a', 'b'))
    assert.deepEqual(bodiesOf(await bed.requests(1)), ['a', 'b'])
    assert.equal(bed.metrics.total('otelcol_receiver_accepted_log_records', { receiver: 'test_source' }), 2)
    const sent = () => bed.metrics.total('otelcol_exporter_sent_log_records', { exporter: 'test_sink' })
    await bed.until(() => sent() === 2, 'both records to count as sent')
    await bed.stop()
  })

  test('gives every branch of a fan-out the same bytes, each at its own pace', async () => {
    const gate = Promise.withResolvers<void>()
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      exporters: { test_sink/slow: , test_sink/fast: }
      service: { pipelines: { logs: { receivers: [test_source], exporters: [test_sink/slow, test_sink/fast] } } }`,
      { onSend: (_, { exporter }) => (exporter.endsWith('slow') ? gate.promise : undefined) },
    )
    await bed.send('logs', logsRequest('a'))
    assert.deepEqual(bodiesOf(await bed.requests(1, 'test_sink/fast')), ['a'])
    assert.equal(bed.items('test_sink/slow'), 0)
    gate.resolve()
    assert.deepEqual(bodiesOf(await bed.requests(1, 'test_sink/slow')), ['a'])
    await bed.stop()
  })

  test('sends a receiver to every pipeline it is in, and one exporter instance serves them all', async () => {
    const bed = await TestBed.start(`
      receivers: { test_source: }
      exporters: { test_sink: }
      service:
        pipelines:
          logs/one: { receivers: [test_source], exporters: [test_sink] }
          logs/two: { receivers: [test_source], exporters: [test_sink] }`)
    await bed.send('logs', logsRequest('a'))
    await bed.requests(2)
    assert.equal(bed.graph.statuses().filter(({ kind }) => kind === 'exporter').length, 1)
    await bed.stop()
  })

  test('leads a connector from one pipeline into others', async () => {
    const bed = await TestBed.start(`
      receivers: { test_source: }
      connectors: { forward: }
      exporters: { test_sink/a: , test_sink/b: }
      service:
        pipelines:
          logs/in: { receivers: [test_source], exporters: [forward] }
          logs/a: { receivers: [forward], exporters: [test_sink/a] }
          logs/b: { receivers: [forward], exporters: [test_sink/b] }`)
    await bed.send('logs', logsRequest('x'))
    assert.deepEqual(bodiesOf(await bed.requests(2)), ['x', 'x'])
    await bed.stop()
  })

  test('forwards profiles whole, through batch, and as they came', async () => {
    const bed = await TestBed.start(`
      receivers: { test_source: }
      processors: { batch: , memory_limiter: { check_interval: 1s, limit_mib: 100000 } }
      connectors: { forward: }
      exporters: { test_sink: , debug: }
      service:
        pipelines:
          profiles/in: { receivers: [test_source], processors: [memory_limiter, batch], exporters: [forward] }
          profiles/out: { receivers: [forward], exporters: [test_sink, debug] }`)
    // One resource with a scope with a profile with two samples, and a dictionary with a string table.
    const request = Buffer.from('0a08120612041200120012052a002a0161', 'hex')
    const { ingress, stream } = bed.source()
    for (let round = 0; round < 2; round++) {
      const delivery = ingress.admit('profiles', request)
      stream.next(delivery)
      await delivery.reached('delivered')
    }
    assert.deepEqual(
      bed.sent.map(({ bytes, items }) => [bytes.equals(request), items]),
      [
        [true, 2],
        [true, 2],
      ],
    )
    await bed.stop()
  })

  test('hands a refusal of an exporter without a queue back to the sender, without counting a loss', async () => {
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      exporters: { test_direct: }
      service: { pipelines: { logs: { receivers: [test_source], exporters: [test_direct] } } }`,
      {
        onSend: () => {
          throw later()
        },
      },
    )
    await assert.rejects(bed.send('logs', logsRequest('a')), /backend is down/)
    assert.equal(bed.metrics.total('telegen.dropped.items'), 0)
    assert.equal(bed.status('test_direct').state, 'recoverable_error')
    await bed.stop()
  })

  test('counts by reason what is lost after it was acknowledged, and warns once', async () => {
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      exporters: { test_sink: { retry_on_failure: { enabled: false } } }
      service: { pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } } }`,
      {
        onSend: () => {
          throw later()
        },
      },
    )
    for (let round = 0; round < 3; round++) await bed.send('logs', logsRequest('a', 'b'))
    const lost = () =>
      bed.metrics.total('telegen.dropped.items', { component: 'test_sink', signal: 'logs', reason: 'unavailable' })
    await bed.until(() => lost() === 6, 'six lost records')
    assert.equal(bed.logs.filter(({ message }) => message === 'Dropping data.').length, 1)
    await bed.stop()
  })

  test('closes the gate when the budget is full, and opens it when bytes come back', async () => {
    const gate = Promise.withResolvers<void>()
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      exporters: { test_sink: { sending_queue: { queue_size: 1000 } } }
      service:
        limits: { logs: 1MiB }
        pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } }`,
      { onSend: () => gate.promise },
    )
    const large = 'a'.repeat(128_000)
    for (let count = 0; count < 8; count++) await bed.send('logs', logsRequest(large))
    await assert.rejects(bed.send('logs', logsRequest(large)), (error) => {
      assert.ok(error instanceof Refused)
      assert.equal(error.code, 'resource_exhausted')
      assert.deepEqual(error.retry, { after: 1000 })
      return true
    })
    assert.match(String(bed.status('test_source').reason), /refusing data/)
    assert.equal(bed.metrics.total('otelcol_receiver_refused_log_records'), 1)
    gate.resolve()
    await bed.requests(8)
    await bed.until(() => bed.graph.budgets.logs.used === 0, 'all bytes to come back')
    await bed.send('logs', logsRequest('c'))
    assert.equal(bed.graph.budgets.logs.peak, 2 ** 20)
    await bed.stop()
  })

  test('with block_on_overflow lets senders wait at the gate instead', async () => {
    const gate = Promise.withResolvers<void>()
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      exporters: { test_sink: { sending_queue: { queue_size: 1, block_on_overflow: true } } }
      service: { pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } } }`,
      { onSend: () => gate.promise },
    )
    await bed.send('logs', logsRequest('a'))
    const { ingress, stream } = bed.source()
    const { logs } = await import('../../src/data/builders/logs.ts')
    const batch = logs({}).record({ body: 'b' }).finish()
    let entered = false
    const entering = ingress.enter('logs', batch).then((delivery) => {
      entered = true
      stream.next(delivery)
    })
    await settle()
    assert.equal(entered, false)
    gate.resolve()
    await entering
    assert.deepEqual(bodiesOf(await bed.requests(2)), ['a', 'b'])
    await bed.stop()
  })

  test('a full queue with hold stops its siblings, one with drop_oldest does not', async () => {
    for (const on_full of ['hold', 'drop_oldest']) {
      const bed = await TestBed.start(
        `
        receivers: { test_source: }
        exporters: { test_sink/dead: { sending_queue: { queue_size: 2, num_consumers: 1, on_full: ${on_full} } }, test_sink/well: }
        service: { pipelines: { logs: { receivers: [test_source], exporters: [test_sink/dead, test_sink/well] } } }`,
        { onSend: (_, { exporter, abort }) => (exporter.endsWith('dead') ? hangUntil(abort) : undefined) },
      )
      const bodies: string[] = []
      for (let count = 0; count < 6; count++) {
        await bed.send('logs', logsRequest(`${count}`)).then(
          () => bodies.push(`${count}`),
          (error: Refused) => assert.ok(error.retryable),
        )
      }
      assert.deepEqual(bodies, on_full === 'hold' ? ['0', '1'] : ['0', '1', '2', '3', '4', '5'])
      assert.deepEqual(
        bodiesOf(await bed.requests(bodies.length, 'test_sink/well')),
        bodies,
        'none twice, none missing',
      )
      await bed.stop(AbortSignal.timeout(50))
      const lost = bed.metrics.total('telegen.dropped.items', { component: 'test_sink/dead' })
      assert.equal(lost, bodies.length, 'what the dead one had is counted')
    }
  })

  test('starts downstream first and stops upstream first', async () => {
    const order: string[] = []
    const step = (type: string) =>
      defineProcessor({
        type,
        summary: 'Tells when it starts and stops.',
        stability: { logs: 'alpha' },
        config: Options({}),
        create: ({ pipeline }) => ({
          operator: map((delivery) => delivery),
          start: async () => void order.push(`start ${type} ${pipeline}`),
          stop: async () => void order.push(`stop ${type} ${pipeline}`),
        }),
      })
    const first = defineExtension({
      type: 'first',
      summary: 'Is there before all pipelines.',
      stability: { extension: 'alpha' },
      config: Options({}),
      create: () => ({
        start: async () => void order.push('start first'),
        stop: async () => void order.push('stop first'),
      }),
    })
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      processors: { one: , two: }
      connectors: { forward: }
      exporters: { test_sink: }
      extensions: { first: }
      service:
        extensions: [first]
        pipelines:
          logs/up: { receivers: [test_source], processors: [one], exporters: [forward] }
          logs/down: { receivers: [forward], processors: [two], exporters: [test_sink] }`,
      { definitions: [step('one'), step('two'), first] },
    )
    await bed.stop()
    assert.deepEqual(order, [
      'start first',
      'start two logs/down',
      'start one logs/up',
      'stop one logs/up',
      'stop two logs/down',
      'stop first',
    ])
  })

  test('stops again what had been started when a start fails, and names who failed', async () => {
    const order: string[] = []
    const failing = defineProcessor({
      type: 'failing',
      summary: 'Does not start.',
      stability: { logs: 'alpha' },
      config: Options({}),
      create: () => ({ steps: [], start: () => Promise.reject(new Error('no such thing')) }),
    })
    const fine = defineExtension({
      type: 'fine',
      summary: 'Starts.',
      stability: { extension: 'alpha' },
      config: Options({}),
      create: () => ({ stop: async () => void order.push('stopped') }),
    })
    await assert.rejects(
      TestBed.start(
        `
        receivers: { test_source: }
        processors: { failing: }
        exporters: { test_sink: }
        extensions: { fine: }
        service: { extensions: [fine], pipelines: { logs: { receivers: [test_source], processors: [failing], exporters: [test_sink] } } }`,
        { definitions: [failing, fine] },
      ),
      /failed to start "failing" processor: no such thing/,
    )
    assert.deepEqual(order, ['stopped'])
  })

  test('flushes what is held back and drains queues before it stops', async () => {
    const clock = new TestClock()
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      processors: { batch: { timeout: 1h } }
      exporters: { test_sink: }
      service: { pipelines: { logs: { receivers: [test_source], processors: [batch], exporters: [test_sink] } } }`,
      { clock },
    )
    await bed.send('logs', logsRequest('a'))
    await bed.send('logs', logsRequest('b'))
    assert.equal(bed.sent.length, 0)
    await bed.stop()
    assert.deepEqual(bodiesOf(await bed.requests(1)), ['a', 'b'])
  })

  test('turns readiness red with a dead backend, and green again', async () => {
    const clock = new TestClock()
    let dead = true
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      exporters: { test_sink: { retry_on_failure: { randomization_factor: 0 } } }
      service: { pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } } }`,
      {
        clock,
        onSend: () => {
          if (dead) throw later()
        },
      },
    )
    await bed.send('logs', logsRequest('a'))
    await bed.until(() => bed.status('test_sink').state === 'recoverable_error', 'the exporter to be in trouble')
    dead = false
    await clock.advance(5000)
    assert.equal(bed.status('test_sink').state, 'ok')
    assert.equal(bed.items(), 1)
    await bed.stop()
  })
})

const hangUntil = (abort: AbortSignal) =>
  new Promise<void>((_, reject) => abort.addEventListener('abort', () => reject(abort.reason as Error)))
