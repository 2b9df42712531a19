import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TestBed } from '../../../src/testing.ts'
import { toObject } from '../../../src/plugin.ts'
import { bodiesOf, logsRequest } from '../requests.ts'
import { Lives } from './lives.ts'

/** How many reloads one engine lives through. */
const RELOADS = 100
/** Requests in one turn of the event loop. */
const BURST = 3

const mark = fc.constantFrom('a', 'b')
const queue = fc.constantFrom(
  { sending_queue: { num_consumers: 2 } },
  { sending_queue: { enabled: false } },
  { sending_queue: { queue_size: 5_000, batch: { min_size: 5, max_size: 20, flush_timeout: '5ms' } } },
)
const plan = fc.record({
  processors: fc.shuffledSubarray(['passer/1', 'passer/2', 'keeper', 'batch'], { minLength: 0 }),
  downstream: fc.shuffledSubarray(['passer/1', 'batch'], { minLength: 0 }),
  forward: fc.boolean(),
  others: fc.subarray(['life_sink/1', 'life_sink/2', 'life_sink/3'], { minLength: 0 }),
  receivers: fc.subarray(['life_source/1', 'life_source/2'], { minLength: 0 }),
  key: fc.boolean(),
  extension: mark,
  marks: fc.record({ always: mark, processor: mark, receiver: mark }),
  queue,
  fails: fc.option(fc.constantFrom('life_sink/always', 'life_sink/1', 'passer/1', 'life_source/1', 'key'), {
    nil: undefined,
    freq: 4,
  }),
})
type Drawn = ReturnType<typeof plan.generate>['value']

/** `life_sink/always` stands in each of them, in one shape or another. */
function configOf({
  processors,
  downstream,
  forward,
  others,
  receivers,
  key,
  extension,
  marks,
  queue: sending,
}: Drawn): string {
  const standing = key ? { key: 'key' } : {}
  const exporters = ['life_sink/always', ...others]
  const used = [...new Set([...processors, ...(forward ? downstream : [])])]
  return JSON.stringify({
    ...(key && { extensions: { key: { mark: extension } } }),
    receivers: {
      test_source: null,
      ...Object.fromEntries(receivers.map((id) => [id, { mark: marks.receiver, ...standing }])),
    },
    processors: Object.fromEntries(
      used.map((id) => [id, id === 'batch' ? { timeout: '10ms', send_batch_size: 7 } : { mark: marks.processor }]),
    ),
    ...(forward && { connectors: { forward: null } }),
    exporters: Object.fromEntries(exporters.map((id) => [id, { mark: marks.always, ...sending, ...standing }])),
    service: {
      ...(key && { extensions: ['key'] }),
      pipelines: forward
        ? {
            'logs/up': { receivers: ['test_source', ...receivers], processors, exporters: ['forward'] },
            'logs/down': { receivers: ['forward'], processors: downstream, exporters },
          }
        : { 'logs/up': { receivers: ['test_source', ...receivers], processors, exporters } },
    },
  })
}

test(`${RELOADS} random reloads under load refuse nothing, and what they were sent arrives once, whatever of them fails`, async (context) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  context.diagnostic(`SEED=${seed}`)
  const plans = fc.sample(plan, { numRuns: RELOADS, seed })
  const lives = new Lives()
  const bed = await TestBed.start(configOf(plans[0] as Drawn), { definitions: lives.definitions() })
  const series = bed.metrics.measurements().length
  const sent: Promise<void>[] = []
  let sending = true
  const send = () => {
    if (!sending) return
    for (let count = 0; count < BURST; count++) sent.push(bed.send('logs', logsRequest(`record ${sent.length}`)))
    setImmediate(send)
  }
  send()
  let rolledBack = 0
  for (const drawn of plans.slice(1)) {
    if (drawn.fails !== undefined) lives.failing.set(drawn.fails, 1)
    await bed.reload(configOf(drawn)).catch((error: Error) => {
      assert.match(error.message, /does not start/)
      rolledBack++
    })
    lives.failing.clear()
    assert.ok(bed.graph.isWhole)
    const { length } = sent
    await bed.until(() => sent.length > length, 'more requests')
  }
  sending = false
  await bed.reload(configOf(plans[0] as Drawn))
  const refused = await Promise.allSettled(sent).then((all) => all.filter(({ status }) => status === 'rejected'))
  assert.ok(bed.metrics.measurements().length <= series * 3, 'series do not pile up')
  await bed.stop()
  assert.deepEqual(refused, [], 'nobody was refused')
  const dropping = bed.logs.filter(({ message }) => message === 'Dropping data.')
  assert.deepEqual(dropping, [], 'nothing was dropped')
  assert.ok(rolledBack > 0, 'some of them failed')
  const arrived = lives.received
    .filter(({ sink }) => sink === 'life_sink/always')
    .flatMap(({ batch }) => bodiesOf([toObject(batch, 'logs')]))
  assert.ok(sent.length > RELOADS)
  assert.equal(arrived.length, sent.length, 'nothing is lost, nothing comes twice')
  assert.equal(new Set(arrived).size, sent.length)
  assert.deepEqual(lives.running, [], 'everything that was started was stopped')
})
