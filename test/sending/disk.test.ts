import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../src/component/refused.ts'
import { settle } from '../../src/testing/test-clock.ts'
import { AroundDisk, away, bad, hangUntil, never, range, SLAB } from './around-disk.ts'

describe('a queue on disk', () => {
  test('announces durable when the disk has it and not before, and settles the record when it is delivered', async () => {
    const around = new AroundDisk()
    const written = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    around.storage.sync = () => written.promise
    around.send = () => gate.promise
    const sender = await around.started()
    around.take(sender)
    await settle()
    assert.deepEqual([...(around.told.get(0) ?? [])], [])
    written.resolve()
    await settle()
    assert.deepEqual([...(around.told.get(0) ?? [])], ['accepted', 'durable'])
    assert.deepEqual(around.onDisk(), [0])
    gate.resolve()
    await settle()
    assert.deepEqual([around.sent, around.onDisk(), around.kinds(), around.budget.used], [[0], [], ['delivered'], 0])
  })

  test('gives what was not delivered to the next process, in order, and has the right size from the beginning', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const first = await around.started()
    for (let index = 0; index < 5; index++) around.take(first, 2)
    await settle()
    around.storage.crash()
    const gate = Promise.withResolvers<void>()
    around.send = () => gate.promise
    const second = await around.started({ queue: { queue_size: 10, sizer: 'items' } })
    assert.equal(second.queue?.used, 10)
    assert.equal(second.room?.full({ bytes: 1, items: 1 })?.retryable, true)
    assert.equal(second.room?.full({ bytes: 1, items: 11 })?.retryable, false)
    gate.resolve()
    await settle()
    assert.deepEqual([around.sent, around.onDisk(), second.queue?.used], [range(0, 10), [], 0])
    assert.equal(second.room?.full({ bytes: 1, items: 1 }), undefined)
  })

  test('lets go of memory while the backend is away, and drains in order of arrival when it is back', async () => {
    const around = new AroundDisk()
    let isAway = true
    around.send = () => (isAway ? Promise.reject(away()) : Promise.resolve())
    const sender = await around.started({ share: 500 })
    for (let index = 0; index < 200; index++) {
      around.take(sender)
      await settle()
    }
    assert.ok(around.budget.used < 10 * SLAB, `${around.budget.used} bytes are held`)
    assert.equal(around.onDisk().length, 200)
    assert.ok((sender.queue?.unread ?? 0) > 180)
    isAway = false
    await around.clock.advance(10_000)
    assert.deepEqual(around.sent, range(0, 200))
    assert.deepEqual([around.onDisk(), around.budget.used, sender.queue?.used, sender.held.size], [[], 0, 0, 0])
    assert.ok(around.kinds().every((kind) => kind === 'delivered' || kind === 'stored'))
  })

  test('tells who waits for the delivery, however long the record was on disk alone', async () => {
    const around = new AroundDisk()
    let isAway = true
    around.send = () => (isAway ? Promise.reject(away()) : Promise.resolve())
    const sender = await around.started({ share: 100 })
    for (let index = 0; index < 20; index++) around.take(sender, 1, { acknowledge: 'delivered' })
    await settle()
    assert.ok(around.budget.used < 5 * SLAB)
    assert.ok(around.kinds().every((kind) => kind === undefined))
    isAway = false
    await around.clock.advance(10_000)
    assert.ok(around.kinds().every((kind) => kind === 'delivered'))
    assert.deepEqual([around.sent, around.budget.used], [range(0, 20), 0])
  })

  test('tells who waits for the delivery of a refusal, and counts it then as theirs', async () => {
    const around = new AroundDisk()
    let isAway = true
    around.send = () => Promise.reject(isAway ? away() : bad())
    const sender = await around.started({ share: 100 })
    for (let index = 0; index < 5; index++) around.take(sender, 1, { acknowledge: 'delivered' })
    await settle()
    isAway = false
    await around.clock.advance(10_000)
    assert.deepEqual(around.kinds(), ['bad', 'bad', 'bad', 'bad', 'bad'])
    assert.deepEqual([around.lost, around.dropped, around.onDisk()], [[], [], []])
  })

  test('drops what is refused for good, counted, and goes on with the rest for as long as it takes', async () => {
    const around = new AroundDisk()
    let tries = 0
    around.send = async (batch) => {
      const text = batch.segments()[0]?.toString('latin1') ?? ''
      if (text.includes('record 1.')) throw bad()
      if (text.includes('record 2.') && tries++ < 200) throw away()
    }
    const sender = await around.started({ share: 100 })
    for (let index = 0; index < 4; index++) around.take(sender)
    await around.clock.advance(3_600_000)
    assert.deepEqual(around.sent, [0, 2, 3])
    assert.deepEqual([...around.lost, ...around.dropped], [{ items: 1, reason: 'invalid_argument' }])
    assert.deepEqual([around.onDisk(), around.budget.used], [[], 0])
  })

  test('hands back what the disk does not take while nobody counts on it, and closes the gate', async () => {
    const around = new AroundDisk()
    const sender = await around.started()
    around.storage.fill(true)
    assert.match(String(sender.room?.full({ bytes: 1, items: 1 })?.message), /disk is full/)
    around.take(sender)
    await settle()
    assert.deepEqual([around.kinds(), around.lost, around.budget.used], [['the disk is full'], [], 0])
    assert.ok(around.outcomes[0] instanceof Refused && around.outcomes[0].retryable)
  })

  test('keeps what was promised in memory when the disk does not take it, and writes it when the disk is well', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const sender = await around.started()
    around.storage.fill(true)
    for (let index = 0; index < 4; index++) {
      const delivery = around.deliver(1, 'accepted')
      delivery.reach('accepted')
      sender.take(delivery)
    }
    await settle()
    assert.deepEqual([around.onDisk(), around.kinds()], [[], [undefined, undefined, undefined, undefined]])
    assert.equal(sender.queue?.used, around.budget.used > 0 ? sender.queue?.used : 0)
    around.storage.fill(false)
    await settle()
    assert.deepEqual(around.onDisk(), [1, 2, 3], 'the first is at the backend')
    around.send = async () => {}
    await around.clock.advance(10_000)
    assert.deepEqual(around.sent, [0, 1, 2, 3])
    assert.deepEqual([around.onDisk(), around.budget.used, sender.queue?.used], [[], 0, 0])
  })

  test('counts a record that cannot be read, and goes on with the next', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const first = await around.started()
    for (let index = 0; index < 3; index++) around.take(first, 4)
    await settle()
    around.storage.crash()
    around.storage.damage('exporter/test/out/logs', 1)
    const next = new AroundDisk(1e6, around.storage)
    await next.started()
    await settle()
    assert.deepEqual(next.sent, [...range(0, 4), ...range(8, 12)])
    assert.deepEqual([next.dropped, next.onDisk(), next.budget.used], [[{ items: 4, reason: 'damaged' }], [], 0])
  })

  test('keeps metadata and never credentials', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const origin = {
      metadata: new Map([
        ['x-tenant', ['acme', 'b']],
        ['authorization', ['Bearer s3cret']],
        ['x-api-key', ['s3cret']],
        ['cookie', ['s3cret']],
      ]),
      auth: { raw: 's3cret' },
      peer: '192.0.2.1:4711',
    }
    around.take(await around.started(), 1, { origin })
    await settle()
    const [bytes] = around.storage.contents('exporter/test/out/logs')
    assert.ok(bytes?.includes('192.0.2.1') && !bytes.includes('s3cret'))
    around.storage.crash()
    around.send = async () => {}
    await around.started()
    await settle()
    assert.deepEqual(around.metadata, [{ 'x-tenant': ['acme', 'b'] }])
  })

  test('reads one record at a time where others have all the memory', async () => {
    const before = new AroundDisk()
    before.send = () => Promise.reject(away())
    const first = await before.started()
    for (let index = 0; index < 10; index++) before.take(first)
    await settle()
    before.storage.crash()
    const around = new AroundDisk(4 * SLAB, before.storage)
    const { budget } = around
    budget.tryTake(4 * SLAB)
    let most = 0
    around.send = async () => void (most = Math.max(most, budget.used))
    await around.started({ queue: { num_consumers: 5 } })
    for (let turn = 0; turn < 20; turn++) await settle()
    assert.deepEqual([around.sent, most], [range(0, 10), 5 * SLAB])
    assert.equal(budget.used, 4 * SLAB)
  })

  test('with drop_oldest drops from the disk what has waited longest, counted', async () => {
    const around = new AroundDisk()
    around.send = () => new Promise<void>(() => {})
    const sender = await around.started({ share: 100, queue: { queue_size: 5, on_full: 'drop_oldest' } })
    for (let index = 0; index < 12; index++) around.take(sender)
    for (let turn = 0; turn < 30; turn++) await settle()
    assert.deepEqual(around.onDisk(), [0, 8, 9, 10, 11], 'the first is on its way')
    const gone = [...around.lost, ...around.dropped]
    assert.deepEqual([gone.length, gone.every(({ reason }) => reason === 'displaced')], [7, true])
    assert.equal(sender.room?.full({ bytes: 1, items: 1 }), undefined)
  })

  test('tells how long the oldest waits, over a restart', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const first = await around.started()
    around.take(first)
    await around.clock.advance(60_000)
    around.storage.crash()
    const age = () => around.metrics.total('telegen.exporter.queue.age', { exporter: 'test/out' })
    assert.equal(age(), 60)
    await first.stop(AbortSignal.abort(new Error('dead')))
    await around.started()
    await around.clock.advance(5_000)
    assert.equal(age(), 65)
  })

  test('batches from disk, and settles each record when all requests that have parts of it have ended', async () => {
    const around = new AroundDisk()
    const batch = { enabled: true, flush_timeout: 200, min_size: 10, max_size: 10, partition: { metadata_keys: [] } }
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let calls = 0
    around.send = () => gates[calls++]?.promise ?? new Promise(() => {})
    const sender = await around.started({ queue: { batch, num_consumers: 3 } })
    for (let index = 0; index < 4; index++) around.take(sender, 6)
    await settle()
    gates[0]?.resolve()
    await settle()
    assert.deepEqual(around.requests, [range(0, 10)])
    assert.deepEqual(around.onDisk(), range(6, 24), 'the second record lies over the border')
    gates[1]?.resolve()
    await settle()
    assert.deepEqual(around.onDisk(), range(18, 24))
    around.storage.crash()
    around.send = async () => {}
    await around.started({ queue: { batch } })
    await around.clock.advance(200)
    assert.deepEqual(around.requests.at(-1), range(18, 24))
  })
})

describe('a stop with a queue on disk', () => {
  test('leaves on disk what a dead backend does not take, at once, and loses nothing', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const sender = await around.started({ queue: { num_consumers: 3 } })
    for (let index = 0; index < 20; index++) around.take(sender)
    await settle()
    const began = around.clock.monotonic()
    await sender.stop(never)
    assert.equal(around.clock.monotonic(), began)
    assert.deepEqual([around.onDisk(), around.lost, around.dropped], [range(0, 20), [], []])
    assert.deepEqual([around.budget.used, around.storage.open, around.clock.waiting, around.warnings], [0, 0, 0, []])
  })

  test('waits for attempts under way, briefly', async () => {
    const around = new AroundDisk()
    around.send = (_, { abort }) => hangUntil(abort)
    const sender = await around.started({ queue: { num_consumers: 2 } })
    for (let index = 0; index < 5; index++) around.take(sender)
    await settle()
    let ended = false
    const stopping = sender.stop(never).then(() => (ended = true))
    await around.clock.advance(2_900)
    assert.equal(ended, false)
    await around.clock.advance(200)
    await stopping
    assert.deepEqual([around.onDisk(), around.lost, around.budget.used], [range(0, 5), [], 0])
  })

  test('sends what it has in memory where the backend takes it', async () => {
    const around = new AroundDisk()
    around.send = () => settle()
    const sender = await around.started()
    for (let index = 0; index < 20; index++) around.take(sender)
    await settle()
    await sender.stop(never)
    assert.deepEqual([around.sent, around.onDisk()], [range(0, 20), []])
  })
})
