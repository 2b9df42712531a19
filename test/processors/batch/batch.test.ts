import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Subject } from 'rxjs'
import { DELIVERED, Refused } from '../../../src/plugin.ts'
import type { Delivery, Level, Outcome, Signal } from '../../../src/plugin.ts'
import { Chain } from '../../../src/component/chain.ts'
import { rootDelivery } from '../../../src/component/delivery-node.ts'
import type { DeliveryNode, Holder } from '../../../src/component/delivery-node.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { overdrawnSlab, batchOfSlab } from '../../../src/data/batch.ts'
import type { Batch } from '../../../src/data/batch.ts'
import { ByteBudget } from '../../../src/data/memory/byte-budget.ts'
import { batching } from '../../../src/processors/batch/batcher.ts'
import { faults } from '../../../src/processors/batch/options.ts'
import type { BatchConfig } from '../../../src/processors/batch/options.ts'
import { TestContext } from '../../component/test-context.ts'

const DEFAULTS: BatchConfig = {
  timeout: 200,
  send_batch_size: 10,
  send_batch_max_size: 0,
  metadata_keys: [],
  metadata_cardinality_limit: 1000,
}

/** A batcher between a source and a list, on a clock that a test turns. */
function stage(options: Partial<BatchConfig> = {}, signal: Signal = 'logs') {
  const context = Object.assign(new TestContext('batch', { ...DEFAULTS, ...options }), {
    signal,
    pipeline: signal,
  })
  const source = new Subject<Delivery>()
  const outputs: Delivery[] = []
  let completed = false
  const subscription = batching(context)(source).subscribe({
    next: (delivery) => outputs.push(delivery),
    complete: () => (completed = true),
  })
  return { context, clock: context.clock, source, outputs, subscription, isComplete: () => completed }
}

let serial = 0

function logs(items: number, budget?: ByteBudget): Batch<'logs'> {
  const logRecords = Array.from({ length: items }, () => ({ body: { stringValue: `record ${serial++}` } }))
  return charged(fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }), budget)
}

function charged<S extends Signal>(plain: Batch<S>, budget?: ByteBudget): Batch<S> {
  if (!budget) return plain
  const [bytes] = plain.segments()
  const slab = overdrawnSlab(plain.bytes, budget)
  slab.buffer.set(bytes as Buffer)
  return batchOfSlab(plain.signal, plain.items, slab, plain.bytes)
}

interface Input {
  readonly delivery: DeliveryNode
  readonly ends: Outcome[]
  readonly levels: Level[]
  readonly bodies: string[]
}

function input(items: number, metadata: Record<string, string[]> = {}, budget?: ByteBudget): Input {
  const batch = logs(items, budget)
  return { ...arriving(batch, metadata), bodies: bodies(batch) }
}

/** One profile of so many samples, with a dictionary that names them. */
function profiles(items: number, budget?: ByteBudget) {
  const samples = Array.from({ length: items }, () => ({ stackIndex: 1, values: ['1'] }))
  const sampleType = { typeStrindex: 2 }
  const request = {
    resourceProfiles: [{ scopeProfiles: [{ profiles: [{ sampleType, samples }] }] }],
    dictionary: { stackTable: [{}, {}], stringTable: ['', 'nothing', `only ${items}`] },
  }
  return arriving(charged(fromObject('profiles', request), budget))
}

function arriving(batch: Batch, metadata: Record<string, string[]> = {}): Omit<Input, 'bodies'> {
  const ends: Outcome[] = []
  const levels: Level[] = []
  const delivery = rootDelivery(
    batch,
    { metadata: new Map(Object.entries(metadata)) },
    {
      acknowledge: 'delivered',
      ended: (outcome) => ends.push(outcome),
      lost: () => {},
    },
  )
  for (const level of ['accepted', 'durable', 'delivered'] as const)
    delivery.reached(level).then(
      () => levels.push(level),
      () => {},
    )
  return { delivery, ends, levels }
}

function bodies(batch: Batch): string[] {
  const { resourceLogs } = toObject(batch) as {
    resourceLogs: { scopeLogs: { logRecords?: { body: { stringValue: string } }[] }[] }[]
  }
  return resourceLogs.flatMap((each) =>
    each.scopeLogs.flatMap((scope) => (scope.logRecords ?? []).map(({ body }) => body.stringValue)),
  )
}

const later = () => new Refused('backend down', { code: 'unavailable', retry: {} })
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('batch', () => {
  test('waits for more until the timeout, and passes on all of it as one', () => {
    const { source, outputs, clock } = stage()
    const [first, second] = [input(3), input(4)]
    source.next(first.delivery)
    clock.turn(199)
    source.next(second.delivery)
    assert.equal(outputs.length, 0)
    clock.turn(1)
    assert.deepEqual(
      outputs.map(({ batch }) => bodies(batch)),
      [[...first.bodies, ...second.bodies]],
    )
    assert.equal(clock.waiting, 0)
  })

  test('does not wait once there is enough', () => {
    const { source, outputs, clock } = stage()
    source.next(input(6).delivery)
    source.next(input(6).delivery)
    assert.deepEqual(
      outputs.map(({ batch }) => batch.items),
      [12],
    )
    assert.equal(clock.waiting, 0)
  })

  test('shares the memory of what it merges', () => {
    const { source, outputs } = stage()
    const [first, second] = [input(6), input(6)]
    const before = [first, second].flatMap(({ delivery }) => delivery.batch.segments())
    source.next(first.delivery)
    source.next(second.delivery)
    assert.deepEqual(outputs[0]?.batch.segments(), before)
  })

  test('fills batches up to the largest size and keeps what is left over for the next', () => {
    const { source, outputs, clock } = stage({ send_batch_size: 10, send_batch_max_size: 10 })
    const inputs = [input(4), input(4), input(25)]
    for (const { delivery } of inputs) source.next(delivery)
    assert.deepEqual(
      outputs.map(({ batch }) => batch.items),
      [10, 10, 10],
    )
    clock.turn(200)
    assert.deepEqual(
      outputs.map(({ batch }) => batch.items),
      [10, 10, 10, 3],
    )
    assert.deepEqual(
      outputs.flatMap(({ batch }) => bodies(batch)),
      inputs.flatMap((each) => each.bodies),
    )
  })

  test('announces that it has the data as soon as it holds it', async () => {
    const { source } = stage()
    const { delivery, levels } = input(1)
    source.next(delivery)
    await settled()
    assert.deepEqual(levels, ['accepted'])
  })

  test('ends an input with the outputs that its records went to, and with no others', async () => {
    const { source, outputs } = stage({ send_batch_size: 10, send_batch_max_size: 10 })
    const [left, across, right] = [input(8), input(4), input(8)]
    for (const { delivery } of [left, across, right]) source.next(delivery)
    assert.equal(outputs.length, 2)
    outputs[0]?.end(DELIVERED)
    assert.deepEqual([left.ends, across.ends, right.ends], [[DELIVERED], [], []])
    const refused = later()
    outputs[1]?.end(refused)
    await settled()
    assert.deepEqual([left.ends, across.ends, right.ends], [[DELIVERED], [refused], [refused]])
    assert.deepEqual(across.levels, ['accepted'])
    assert.deepEqual(left.levels, ['accepted', 'durable', 'delivered'])
  })

  test('flushes when its source completes', () => {
    const { source, outputs, isComplete, clock } = stage()
    source.next(input(3).delivery)
    source.complete()
    assert.deepEqual(
      outputs.map(({ batch }) => batch.items),
      [3],
    )
    assert.ok(isComplete())
    assert.equal(clock.waiting, 0)
  })

  test('keeps apart what came with other values of the metadata keys, and hands those values on', () => {
    const { source, outputs, clock } = stage({ metadata_keys: ['X-Tenant'] })
    source.next(input(1, { 'x-tenant': ['a'], other: ['1'] }).delivery)
    source.next(input(2, { 'x-tenant': ['b'] }).delivery)
    source.next(input(3, { 'x-tenant': ['a'], other: ['2'] }).delivery)
    source.next(input(4, {}).delivery)
    source.next(input(5, { 'x-tenant': [] }).delivery)
    clock.turn(200)
    assert.deepEqual(
      outputs.map(({ batch, origin }) => [batch.items, origin.metadata.get('x-tenant')]),
      [
        [4, ['a']],
        [2, ['b']],
        [4, undefined],
        [5, []],
      ],
    )
    assert.equal(outputs[0]?.origin.metadata.has('other'), false)
  })

  test('refuses, retryably, a combination of metadata values too many until one has been flushed', () => {
    const { source, clock } = stage({ metadata_keys: ['tenant'], metadata_cardinality_limit: 1 })
    const [first, second, third] = [
      input(1, { tenant: ['a'] }),
      input(1, { tenant: ['b'] }),
      input(1, { tenant: ['b'] }),
    ]
    source.next(first.delivery)
    source.next(second.delivery)
    const [end] = second.ends
    assert.ok(end instanceof Refused && end.retryable)
    assert.match(end.message, /too many batcher metadata-value combinations/)
    clock.turn(200)
    source.next(third.delivery)
    assert.deepEqual(third.ends, [])
  })

  test('sends everything at once with a timeout of zero, and leaves acknowledging to what comes after', async () => {
    const { source, outputs } = stage({ timeout: 0, send_batch_max_size: 4 })
    const { delivery, levels } = input(6)
    source.next(delivery)
    await settled()
    assert.deepEqual(
      outputs.map(({ batch }) => batch.items),
      [4, 2],
    )
    assert.deepEqual(levels, [])
  })

  test('ends a batch without items as discarded', () => {
    const { source, outputs } = stage()
    const { delivery, ends } = input(0)
    source.next(delivery)
    assert.deepEqual([outputs, ends], [[], [{ kind: 'discarded' }]])
  })

  test('takes sizes of its signal where the configuration has them', () => {
    const { source, outputs } = stage({
      send_batch_size: 1000,
      logs: { send_batch_size: 2 },
      traces: { send_batch_size: 1 },
    })
    source.next(input(1).delivery)
    assert.equal(outputs.length, 0)
    source.next(input(1).delivery)
    assert.equal(outputs.length, 1)
  })

  test('merges profiles with one dictionary, 100 samples without more waiting, and splits between profiles', () => {
    const { source, outputs, clock } = stage({ send_batch_size: 8192 }, 'profiles')
    const inputs = [60, 60, 30].map((samples) => profiles(samples))
    for (const { delivery } of inputs) source.next(delivery)
    assert.deepEqual(
      outputs.map(({ batch }) => batch.items),
      [120],
    )
    clock.turn(200)
    const [whole, rest] = outputs as [Delivery, Delivery]
    assert.equal(rest.batch.items, 30)
    const { stringTable } = toObject(whole.batch)['dictionary'] as { stringTable: string[] }
    assert.deepEqual(stringTable, ['', 'only 60'])
    whole.end(DELIVERED)
    assert.deepEqual(
      inputs.map(({ ends }) => ends.length),
      [1, 1, 0],
    )
    rest.end(DELIVERED)

    const limited = stage({ send_batch_size: 50, send_batch_max_size: 50 }, 'profiles')
    for (const samples of [20, 20, 70, 40]) limited.source.next(profiles(samples).delivery)
    limited.clock.turn(200)
    assert.deepEqual(
      limited.outputs.map(({ batch }) => batch.items),
      [40, 70, 40],
    )
  })

  test('passes profiles on as they came where there is no memory to merge them', () => {
    const budget = new ByteBudget(2048, 1)
    const { source, outputs, context } = stage({ send_batch_size: 100 }, 'profiles')
    const inputs = [profiles(60, budget), profiles(60, budget)]
    for (const { delivery } of inputs) source.next(delivery)
    assert.deepEqual(
      outputs.map(({ batch }) => batch.items),
      [60, 60],
    )
    assert.deepEqual(context.lines, ['warn Merging profiles failed; they go on as they came'])
    for (const output of outputs) output.end(DELIVERED)
    assert.equal(budget.used, 0)
  })

  test('passes on whole what cannot be split because that would overdraw the budget', () => {
    const budget = new ByteBudget(2048, 1)
    const { source, outputs, context } = stage({ send_batch_size: 30, send_batch_max_size: 30 })
    const inputs = [input(20, {}, budget), input(20, {}, budget)]
    for (const { delivery } of inputs) source.next(delivery)
    assert.deepEqual(
      outputs.map(({ batch }) => batch.items),
      [40],
    )
    assert.deepEqual(context.lines, ['warn Splitting a batch failed; what was to be split goes on whole'])
    for (const output of outputs) output.end(DELIVERED)
    assert.equal(budget.used, 0)
  })

  test('says what is wrong with its options in the words of the Collector', () => {
    assert.deepEqual(
      [...faults({ ...DEFAULTS, send_batch_max_size: 5, metadata_keys: ['a', 'A'] })].map(({ path, message }) => [
        path.join('.'),
        message,
      ]),
      [
        ['send_batch_max_size', 'send_batch_max_size must be greater or equal to send_batch_size'],
        ['metadata_keys.1', 'duplicate entry in metadata_keys: "a" (case-insensitive)'],
      ],
    )
    assert.deepEqual([...faults(DEFAULTS)], [])
  })

  test('whatever comes and whatever becomes of it: all records in order, each input one end, the worst of its parts, and all bytes back', () => {
    const outcome = fc.constantFrom('delivered', 'refused')
    const happening = fc.oneof(
      { weight: 5, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 30 }), tenant: fc.constantFrom('a', 'b') }) },
      { weight: 1, arbitrary: fc.record({ turn: fc.integer({ min: 1, max: 300 }) }) },
      { weight: 2, arbitrary: fc.record({ end: outcome }) },
    )
    const sizes = fc
      .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 20 }))
      .map(([send_batch_size, above]) => ({
        send_batch_size,
        send_batch_max_size: above === 0 ? 0 : send_batch_size + above - 1,
      }))
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.array(happening, { maxLength: 40 }), (limits, byTenant, happenings) => {
        const budget = new ByteBudget(1e9)
        const { source, outputs, clock, context } = stage({ ...limits, metadata_keys: byTenant ? ['tenant'] : [] })
        const holder: Holder = {
          id: 'stage',
          name: 'test',
          held: new Chain<DeliveryNode>(),
          misuse: (what) => assert.fail(what),
        }
        const inputs: (Input & { tenant: string })[] = []
        const wasRefused = new Set<string>()
        const seen: string[] = []
        let ended = 0
        const endNext = (how: string) => {
          const next = outputs[ended]
          if (!next) return
          ended++
          seen.push(...bodies(next.batch))
          if (how === 'refused') for (const body of bodies(next.batch)) wasRefused.add(body)
          next.end(how === 'refused' ? later() : DELIVERED)
        }
        for (const each of happenings) {
          if ('take' in each) {
            const made = { ...input(each.take, { tenant: [each.tenant] }, budget), tenant: each.tenant }
            made.delivery.hold(holder)
            inputs.push(made)
            source.next(made.delivery)
          } else if ('turn' in each) clock.turn(each.turn)
          else endNext(each.end)
        }
        source.complete()
        while (ended < outputs.length) endNext('delivered')

        const max = limits.send_batch_max_size || Infinity
        assert.ok(outputs.every(({ batch }) => batch.items <= max))
        for (const tenant of byTenant ? ['a', 'b'] : [undefined]) {
          const sent = inputs
            .filter((each) => tenant === undefined || each.tenant === tenant)
            .flatMap((each) => each.bodies)
          const wanted = new Set(sent)
          assert.deepEqual(
            seen.filter((body) => wanted.has(body)),
            sent,
          )
        }
        for (const { ends, bodies: records } of inputs) {
          assert.equal(ends.length, 1)
          assert.equal(
            ends[0] instanceof Refused,
            records.some((body) => wasRefused.has(body)),
          )
        }
        assert.equal(budget.used, 0)
        assert.equal(holder.held.size, 0)
        assert.deepEqual(context.lines, [])
      }),
      { numRuns: 300 },
    )
  })
})
