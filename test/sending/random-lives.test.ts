import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Refused } from '../../src/component/refused.ts'
import { ByteBudget } from '../../src/data/memory/byte-budget.ts'
import type { Sender } from '../../src/sending/sender.ts'
import { settle } from '../../src/testing/test-clock.ts'
import { AroundDisk, away, bad, hangUntil } from './around-disk.ts'
import type { Queue } from './around-disk.ts'

const MODES = ['takes', 'takes', 'is away', 'refuses', 'hangs', 'finds too large'] as const

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 6 }), waits: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ turn: fc.constantFrom(1, 100, 1_000, 6_000) }) },
  { weight: 3, arbitrary: fc.record({ backend: fc.constantFrom(...MODES) }) },
  { weight: 1, arbitrary: fc.record({ isFull: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ end: fc.constantFrom('crash', 'stop', 'hand over') }) },
)

const options = fc.record({
  spill: fc.boolean(),
  consumers: fc.integer({ min: 1, max: 4 }),
  share: fc.constantFrom(100, 400, 1e6),
  limit: fc.constantFrom(6_000, 1e6),
  batch: fc.option(fc.record({ least: fc.nat(8), most: fc.integer({ min: 8, max: 12 }) }), { nil: undefined }),
})

/** A sender through several lives, before a backend and a disk that do as they like. */
class Lives {
  readonly around: AroundDisk
  readonly #options: { readonly queue: Partial<Queue>; readonly share: number }
  readonly #limit: number
  mode: (typeof MODES)[number] = 'takes'
  /** Numbers of records that were taken in memory alone by a process that crashed. */
  readonly forgiven = new Set<number>()
  #life = 0
  sender!: Sender

  constructor(queue: Partial<Queue>, share: number, limit: number) {
    this.around = new AroundDisk(limit)
    this.#options = { queue, share }
    this.#limit = limit
  }

  async start(): Promise<void> {
    this.sender = await this.around.started(this.#next())
  }

  #next() {
    const life = ++this.#life
    return {
      ...this.#options,
      timeout: 5_000,
      send: (batch: { readonly items: number }, { abort }: { readonly abort: AbortSignal }) => {
        if (life !== this.#life && this.#crashed.has(life)) return new Promise<void>(() => {})
        return this.#backend(batch.items, abort)
      },
    }
  }

  readonly #crashed = new Set<number>()

  async #backend(items: number, abort: AbortSignal): Promise<void> {
    await settle()
    if (this.mode === 'is away') throw away()
    if (this.mode === 'refuses') throw bad()
    if (this.mode === 'hangs') return hangUntil(abort)
    if (this.mode === 'finds too large' && items > 2)
      throw new Refused('too large', { code: 'resource_exhausted', retry: 'never', reason: 'too_large' })
  }

  take(items: number, waits: boolean): void {
    const spills = this.#options.queue.spill === true
    if (this.sender.room?.full({ bytes: items * 40, items })) return
    if (this.around.budget.used + 2048 > this.around.budget.limit) return
    this.around.take(this.sender, items, { acknowledge: waits ? 'delivered' : spills ? 'accepted' : 'durable' })
  }

  async end(how: 'crash' | 'stop' | 'hand over'): Promise<void> {
    const { around } = this
    if (how === 'hand over') {
      const deadline = new AbortController()
      const handing = this.sender.handOver(deadline.signal)
      await settle()
      deadline.abort(new Error('time is up'))
      await around.clock.advance(6_000)
      const fresh = around.sender(this.#next())
      await fresh.adopt(await handing)
      this.sender = fresh
      return
    }
    if (how === 'stop') {
      // What is in memory alone goes to a disk that takes it: what becomes of it otherwise is told by other tests.
      around.storage.fill(false)
      const stopping = this.sender.stop(new AbortController().signal)
      await around.clock.advance(20_000)
      await stopping
      assert.equal(around.budget.used, 0)
      assert.equal(this.sender.held.size, 0)
      assert.ok(around.kinds().every((kind) => kind !== undefined || this.#crashed.size > 0))
    } else {
      this.#crashed.add(this.#life)
      for (const [first, levels] of around.told)
        if (!levels.has('durable')) for (let index = 0; index < 6; index++) this.forgiven.add(first + index)
      around.storage.crash()
      around.budget = new ByteBudget(this.#limit)
    }
    await this.start()
  }

  /** Numbers of records of which the sender was told that they are safe, or that were delivered or stored without more ado. */
  owed(): number[] {
    const { around } = this
    const firsts = [...around.told.keys()]
    return firsts.flatMap((first, index) => {
      const isDurable = around.told.get(first)?.has('durable') === true
      const isOwed = around.acknowledged.has(first) && (isDurable || !this.forgiven.has(first))
      const next = firsts[index + 1] ?? around.outcomes.length
      return isOwed ? Array.from({ length: next - first }, (_, offset) => first + offset) : []
    })
  }
}

test('whatever the backend, the disk and the process do: what was acknowledged is delivered or counted, and no memory is kept', async () => {
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.array(step, { maxLength: 30 }),
      async ({ spill, consumers, share, limit, batch }, steps) => {
        const formed = batch && {
          enabled: true,
          flush_timeout: 200,
          min_size: batch.least,
          max_size: batch.most,
          partition: { metadata_keys: [] },
        }
        const lives = new Lives({ spill, num_consumers: consumers, ...(formed && { batch: formed }) }, share, limit)
        const { around } = lives
        await lives.start()
        for (const each of steps) {
          if ('take' in each) lives.take(each.take, each.waits)
          else if ('turn' in each) await around.clock.advance(each.turn)
          else if ('backend' in each) lives.mode = each.backend
          else if ('isFull' in each) around.storage.fill(each.isFull)
          else await lives.end(each.end)
        }
        lives.mode = 'takes'
        around.storage.fill(false)
        for (let turn = 0; turn < 60 && (around.onDisk().length > 0 || around.budget.used > 0); turn++)
          await around.clock.advance(6_000)
        assert.deepEqual([around.onDisk(), around.budget.used, lives.sender.queue?.used], [[], 0, 0])
        const arrived = new Set([...around.sent, ...around.refusedForGood])
        assert.deepEqual(
          lives.owed().filter((number) => !arrived.has(number)),
          [],
          'acknowledged and neither delivered nor refused for good',
        )
        await lives.end('stop')
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 60) },
  )
})
