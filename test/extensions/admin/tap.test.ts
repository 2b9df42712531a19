import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromObject } from '../../../src/plugin.ts'
import type { Signal } from '../../../src/plugin.ts'
import { Looker, MOST_WAITING_BYTES } from '../../../src/extensions/admin/looker.ts'
import { tapRequest } from '../../../src/extensions/admin/tap-request.ts'
import { TestClock } from '../../../src/testing.ts'
import { stage, until } from './stage.ts'

const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } })

const spans = (count: number, from = 0) => ({
  resourceSpans: [
    {
      resource: { attributes: [attribute('service.name', 'shop')] },
      scopeSpans: [
        {
          scope: { name: 'test' },
          spans: Array.from({ length: count }, (_, index) => ({
            name: `span ${from + index}`,
            attributes: [{ key: 'n', value: { intValue: String(from + index) } }],
          })),
        },
      ],
    },
  ],
})

const LOGS = {
  resourceLogs: [
    {
      scopeLogs: [
        {
          logRecords: [
            { severityNumber: 9, body: { stringValue: 'all is well' } },
            { severityNumber: 17, body: { stringValue: 'all is lost' } },
          ],
        },
      ],
    },
  ],
}

const METRICS = {
  resourceMetrics: [
    {
      scopeMetrics: [
        {
          metrics: [
            {
              name: 'http.requests',
              sum: { dataPoints: [1, 2].map((n) => ({ asInt: String(n), attributes: [attribute('route', `/${n}`)] })) },
            },
            { name: 'cpu', gauge: { dataPoints: [{ asDouble: 0.5 }] } },
          ],
        },
      ],
    },
  ],
}

interface Told {
  readonly record?: Readonly<Record<string, unknown>>
  readonly tap?: unknown
  readonly skipped?: number
  readonly lost?: number
}

/** A tap with what it has told until now, and a pipeline that passes batches by. */
async function tapping(t: Parameters<typeof stage>[0], query: string) {
  const staged = await stage(t)
  const { lines, response, read, leave } = await staged.open(`/tap?target=traces${query}`)
  assert.equal(response.statusCode, 200)
  const pass = (signal: Signal, request: object) => {
    const batch = fromObject(signal as 'traces', request)
    for (const listen of staged.listeners) listen({ pipeline: signal, from: 'otlp', to: 'batch', batch })
    batch.release()
  }
  const told = () => lines.map((line) => JSON.parse(line) as Told)
  const records = () => told().filter(({ record }) => record !== undefined)
  return { ...staged, pass, told, records, response, read, leave, lines }
}

describe('the admin tap', () => {
  test('says where it looks, and shows each record with what describes it', async (t) => {
    const { pass, told, read } = await tapping(t, '')
    read()
    pass('traces', spans(1))
    await until(() => told().length === 2, 'a record')
    assert.deepEqual(told(), [
      { tap: { target: 'traces', edges: [{ pipeline: 'traces', from: 'otlp', to: 'batch' }] } },
      {
        pipeline: 'traces',
        from: 'otlp',
        to: 'batch',
        signal: 'traces',
        resource: { attributes: [attribute('service.name', 'shop')] },
        scope: { name: 'test' },
        record: { name: 'span 0', attributes: [{ key: 'n', value: { intValue: '0' } }] },
      },
    ])
  })

  const FILTERS: readonly (readonly [query: string, signal: Signal, request: object, shown: readonly string[]])[] = [
    ['filter=n=3', 'traces', spans(5), ['span 3']],
    ['filter=service.name=shop&filter=n=1', 'traces', spans(5), ['span 1']],
    ['filter=service.name=bank', 'traces', spans(5), []],
    ['name=4', 'traces', spans(5), ['span 4']],
    ['severity=error', 'logs', LOGS, ['all is lost']],
    ['severity=info&name=well', 'logs', LOGS, ['all is well']],
    ['severity=info', 'traces', spans(5), []],
    ['filter=route=/2', 'metrics', METRICS, ['http.requests 1']],
    ['name=http', 'metrics', METRICS, ['http.requests 2']],
  ]
  for (const [query, signal, request, shown] of FILTERS)
    test(`with ${query} shows of ${signal} ${shown.length === 0 ? 'nothing' : shown.join(', ')}`, async (t) => {
      const { pass, records, told, read, listeners } = await tapping(t, `&${query}`)
      read()
      pass(signal, request)
      // What is not shown cannot be waited for, so something that is must follow it.
      const [listen] = listeners
      assert.ok(listen)
      await until(() => told().length >= 1 && records().length >= shown.length, 'what is shown')
      await new Promise((resolve) => setImmediate(resolve))
      const names = records().map(({ record }) => {
        const { name, body, sum } = record as {
          name?: string
          body?: { stringValue: string }
          sum?: { dataPoints: [] }
        }
        return `${name ?? body?.stringValue}${sum ? ` ${sum.dataPoints.length}` : ''}`
      })
      assert.deepEqual(names, shown)
    })

  test('shows of a profile what can be read without its dictionary', async (t) => {
    const { pass, records, read } = await tapping(t, '&filter=service.name=shop')
    read()
    pass('profiles', {
      resourceProfiles: ['shop', 'bank'].map((name) => ({
        resource: { attributes: [attribute('service.name', name)] },
        scopeProfiles: [{ profiles: [{ profileId: 'a'.repeat(32), samples: [{ values: ['1'] }, { values: ['2'] }] }] }],
      })),
      dictionary: { stringTable: ['', 'main'] },
    })
    await until(() => records().length === 1, 'a profile')
    assert.deepEqual(records()[0]?.record, { profileId: 'a'.repeat(32), samples: 2 })
  })

  test('shows no more than its limit each second, and tells how many more there were', async (t) => {
    const { pass, records, told, read } = await tapping(t, '&limit=3')
    read()
    pass('traces', spans(10))
    pass('traces', spans(10, 10))
    await until(() => told().some(({ skipped }) => skipped !== undefined), 'what was skipped')
    assert.deepEqual(
      records().map(({ record }) => String(record?.['name'])),
      ['span 0', 'span 1', 'span 2'],
    )
    assert.deepEqual(told().at(-1), { skipped: 17, lost: 0 })
    pass('traces', spans(10, 20))
    await until(() => records().length > 3, 'the next second')
  })

  test('passes over what is too large to be looked into', async (t) => {
    const { pass, told, read } = await tapping(t, '&limit=1000')
    read()
    const large = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'x'.repeat(2 ** 21) }] }] }] }
    pass('traces', large)
    await until(() => told().some(({ skipped }) => skipped === 1), 'what was skipped')
    assert.equal(told().filter(({ record }) => record).length, 0)
  })

  test('shows nothing more to one for whom too much waits already, and tells him how much that was', () => {
    let waiting = MOST_WAITING_BYTES + 1
    const written: object[] = []
    const clock = new TestClock()
    const wanted = tapRequest(new URLSearchParams('target=traces'))
    const looker = new Looker(
      wanted,
      clock,
      () => waiting,
      (line) => written.push(line),
    )
    const batch = fromObject('traces', spans(2))
    const tapped = { pipeline: 'traces', from: 'otlp', to: 'batch', batch }
    looker.show(tapped)
    looker.tick()
    assert.deepEqual(written, [{ skipped: 0, lost: 2 }])
    waiting = 0
    looker.show(tapped)
    assert.equal(written.length, 3)
    batch.release()
  })

  test('of one who does not read loses what is too much, holds a bounded amount, and delays nobody', async (t) => {
    const { pass, told, read } = await tapping(t, '&limit=1000')
    const wide = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'x'.repeat(200_000) }] }] }] }
    let slowest = 0
    for (let index = 0; index < 200; index++) {
      const began = performance.now()
      pass('traces', wide)
      slowest = Math.max(slowest, performance.now() - began)
      // Sockets take what they can only between turns.
      if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(slowest < 1_000, `${slowest} ms`)
    read()
    const shown = () => told().filter(({ record }) => record).length
    const missed = () => told().reduce((sum, { lost = 0, skipped = 0 }) => sum + lost + skipped, 0)
    await until(() => shown() + missed() === 200, 'all to be shown or told of')
    assert.ok(missed() > 100, `${missed()} of 200 were not shown`)
  })

  test('ends with its client, and nothing looks any more', async (t) => {
    const { leave, listeners, response } = await tapping(t, '')
    assert.equal(listeners.size, 1)
    leave()
    response.destroy()
    await until(() => listeners.size === 0, 'the end of the tap')
  })

  test('ends when the server stops', async (t) => {
    const { server, listeners, response, read } = await tapping(t, '')
    read()
    const ended = new Promise((resolve) => response.once('close', resolve))
    await server.stop?.(AbortSignal.timeout(5_000))
    await ended
    assert.equal(listeners.size, 0)
  })

  const WRONG = ['', 'target=none', 'target=t&limit=0', 'target=t&limit=x', 'target=t&limit=1001', 'target=t&side=up']
  for (const query of [
    ...WRONG,
    'target=t&filter=x',
    'target=t&severity=loud',
    'target=t&severity=constructor',
    'target=t&fliter=a=b',
  ])
    test(`refuses "${query}" with the reason`, async (t) => {
      const { ask } = await stage(t)
      const { code, json } = await ask('GET', `/tap?${query}`)
      assert.equal(code, 400)
      assert.ok((json as { error: string }).error.length > 10)
    })
})
