import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatMap, from, map, mergeMap } from 'rxjs'
import { defineProcessor, fanOut, merge, Options, Refused, replace } from '../../src/plugin.ts'
import type { Delivery, Processor } from '../../src/plugin.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { bodiesOf, logsRequest } from './requests.ts'

/** Processors that do each thing that a stage may do with a delivery. */
const stage = (type: string, create: () => Processor) =>
  defineProcessor({
    type,
    summary: 'For random graphs.',
    stability: { logs: 'development' },
    config: Options({}),
    create,
  })
const STAGES = [
  stage('passes', () => ({ operator: map((delivery) => delivery) })),
  stage('replaces', () => ({ operator: map((delivery) => replace(delivery, delivery.batch.retain())) })),
  stage('halves', () => ({
    operator: map((delivery) => merge(fanOut(delivery, 2).slice(0, 2), delivery.batch.retain())),
  })),
  stage('drops_even', () => ({
    steps: [
      {
        on: 'logRecord',
        when: { kind: 'matches', path: { field: 'body' }, pattern: /[02468]$/ },
        act: { kind: 'drop' },
      },
    ],
  })),
  stage('marks', () => ({
    steps: [{ on: 'logRecord', act: { kind: 'upsert', path: { attribute: 'mark' }, source: { value: 1 } } }],
  })),
  stage('refuses_nines', () => ({
    operator: concatMap((delivery: Delivery) => {
      const bytes = Buffer.concat(delivery.batch.segments())
      if (!bytes.includes('9')) return from([delivery])
      delivery.end(new Refused('no nines', { code: 'invalid_argument', retry: 'never' }))
      return from([])
    }),
  })),
  stage('later', () => ({ operator: mergeMap(async (delivery: Delivery) => Promise.resolve(delivery)) })),
]

const processors = fc.array(fc.constantFrom(...STAGES.map(({ type }) => type), 'batch'), { maxLength: 4 })
const exporter = fc.record({
  queue: fc.boolean(),
  waits: fc.boolean(),
  batch: fc.option(fc.constantFrom({ min_size: 3, max_size: 5 }, { sizer: 'bytes', max_size: 100, min_size: 60 }), {
    nil: undefined,
  }),
  /** What the backend does with the nth request, over and over. */
  script: fc.array(fc.constantFrom('ok', 'ok', 'later', 'never', 'throw'), { minLength: 1, maxLength: 5 }),
})
const shape = fc.record({
  processors,
  downstream: processors,
  forward: fc.boolean(),
  exporters: fc.array(exporter, { minLength: 1, maxLength: 3 }),
  sends: fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 8,
  }),
})

/** Of half a minute each: 32 records, each in a request of its own that is given up after 5 seconds, two at a time. */
const MOST_TURNS = 4

/** The configuration of a shape: YAML holds JSON. */
function configOf({
  processors: chain,
  downstream,
  forward,
  exporters,
}: ReturnType<typeof shape.generate>['value']): object {
  const ids = exporters.map(({ queue }, index) => `${queue ? 'test_sink' : 'test_direct'}/${index}`)
  const named = (types: readonly string[], at: string) => types.map((type, index) => `${type}/${at}${index}`)
  const [up, down] = [named(chain, 'up'), named(downstream, 'down')]
  const sending = (waits: boolean, batch: object | undefined) => ({
    sending_queue: { wait_for_result: waits, num_consumers: 2, ...(batch && { batch }) },
    retry_on_failure: { initial_interval: '1s', max_interval: '2s', max_elapsed_time: '5s' },
  })
  return {
    receivers: { test_source: null },
    processors: Object.fromEntries(
      [...up, ...down].map((id) => [
        id,
        id.startsWith('batch') ? { timeout: '100ms', send_batch_size: 3, send_batch_max_size: 5 } : null,
      ]),
    ),
    ...(forward && { connectors: { forward: null } }),
    exporters: Object.fromEntries(
      exporters.map(({ queue, waits, batch }, index) => [ids[index], queue ? sending(waits, batch) : null]),
    ),
    service: {
      pipelines: forward
        ? {
            'logs/up': { receivers: ['test_source'], processors: up, exporters: ['forward', ids[0]] },
            'logs/down': { receivers: ['forward'], processors: down, exporters: ids },
          }
        : { logs: { receivers: ['test_source'], processors: up, exporters: ids } },
    },
  }
}

test('in random graphs with random outcomes every sender is answered once, nothing vanishes uncounted, and no byte stays', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (drawn) => {
      const clock = new TestClock()
      const calls = new Map<string, number>()
      const bed = await TestBed.start(JSON.stringify(configOf(drawn)), {
        clock,
        definitions: STAGES,
        onSend: (_, { exporter: id }) => {
          const call = calls.get(id) ?? 0
          calls.set(id, call + 1)
          const { script } = drawn.exporters[Number(id.split('/')[1])] as { script: string[] }
          const outcome = script[call % script.length]
          if (outcome === 'later') throw new Refused('later', { code: 'unavailable', retry: {} })
          if (outcome === 'never') throw new Refused('never', { code: 'invalid_argument', retry: 'never' })
          if (outcome === 'throw') throw new TypeError('a bug')
        },
      })
      let answered = 0
      const acknowledged: string[] = []
      const sending = drawn.sends.map(async (numbers, index) => {
        const bodies = numbers.map((number) => `record ${index}: ${number}`)
        try {
          await bed.send('logs', logsRequest(...bodies))
          acknowledged.push(...bodies)
        } catch (error) {
          assert.ok(error instanceof Refused, String(error))
        }
        answered++
      })
      // A backend that is away has the patience of each request behind that of another.
      for (let turn = 0; turn < MOST_TURNS && answered < drawn.sends.length; turn++) await clock.advance(30_000)
      await bed.until(() => answered === drawn.sends.length, 'every sender to be answered')
      await Promise.all(sending)
      await bed.stop()

      const lost = bed.metrics.total('telegen.dropped.items')
      const wanted = acknowledged.filter((body) => {
        const chain = [...drawn.processors, ...(drawn.forward ? drawn.downstream : [])]
        return !(chain.includes('drops_even') && /[02468]$/.test(body))
      })
      const delivered = new Map<string, Set<string>>()
      const requests = await bed.requests(0)
      bed.sent.forEach(({ exporter: id }, index) => {
        const seen = delivered.get(id) ?? new Set()
        for (const body of bodiesOf([requests[index] as object])) seen.add(body)
        delivered.set(id, seen)
      })
      // What was acknowledged and is missing at some exporter has been counted as dropped; a merged batch may count its neighbours too.
      let missing = 0
      drawn.exporters.forEach(({ queue }, index) => {
        const seen = delivered.get(`${queue ? 'test_sink' : 'test_direct'}/${index}`)
        missing += wanted.filter((body) => !seen?.has(body)).length
      })
      assert.ok(missing <= lost * drawn.exporters.length, `${missing} missing, ${lost} counted`)
    }),
    { numRuns: 100 },
  )
})
