import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Refused } from '../../../src/component/refused.ts'
import { bareQueue } from './bare-queue.ts'
import { failure, MemoryFiles } from './memory-files.ts'
import type { Operation } from './memory-files.ts'
import { drain, put, take } from './stage.ts'

type Command =
  | { readonly do: 'append'; readonly sizes: readonly number[] }
  | { readonly do: 'claim' | 'take' | 'reopen' | 'heal' }
  | { readonly do: 'settle' | 'give back'; readonly which: number }
  | { readonly do: 'wait'; readonly time: number }
  | { readonly do: 'fail'; readonly on: readonly Operation[]; readonly code: string }

const which = fc.nat(1_000)
const append = fc.record({
  do: fc.constant('append' as const),
  sizes: fc.array(fc.nat(200), { minLength: 1, maxLength: 6 }),
})
const plain = (name: 'claim' | 'take' | 'reopen' | 'heal') => fc.constant({ do: name })
const chosen = (name: 'settle' | 'give back') => fc.record({ do: fc.constant(name), which })
const wait = fc.record({ do: fc.constant('wait' as const), time: fc.constantFrom(0, 1_000, 2_500) })
const fails = fc.record({
  do: fc.constant('fail' as const),
  on: fc.subarray<Operation>(['make', 'write', 'sync', 'truncate', 'remove'], { minLength: 1 }),
  code: fc.constantFrom('ENOSPC', 'EIO', 'EROFS'),
})
const everyday = [
  { arbitrary: append, weight: 5 },
  { arbitrary: plain('take'), weight: 6 },
  { arbitrary: plain('claim'), weight: 2 },
  { arbitrary: chosen('settle'), weight: 6 },
  { arbitrary: chosen('give back'), weight: 2 },
  { arbitrary: wait, weight: 2 },
  { arbitrary: plain('reopen'), weight: 1 },
]
const work = fc.array(fc.oneof(...everyday), { minLength: 1, maxLength: 60 })
const hardship = fc.array(
  fc.oneof(...everyday, { arbitrary: fails, weight: 2 }, { arbitrary: plain('heal'), weight: 2 }),
  { minLength: 1, maxLength: 60 },
)

/** What a queue has to do, in a Map; beside it the queue. */
class Model {
  readonly files = new MemoryFiles()
  /** Durable and not settled: by key, ascending. */
  readonly kept = new Map<number, string>()
  readonly out: number[] = []
  readonly issued = new Set<string>()
  /** Settled before the last checkpoint, as far as the disk works. */
  done: readonly string[] = []
  #settled: string[] = []
  #opened!: Awaited<ReturnType<typeof bareQueue>>
  #appended = 0

  async open(): Promise<void> {
    this.#opened = await bareQueue(this.files)
  }

  async run(command: Command): Promise<void> {
    const { queue, clock } = this.#opened
    switch (command.do) {
      case 'append':
        await Promise.all(command.sizes.map((size) => this.#append(size)))
        break
      case 'take':
        await this.#take()
        break
      case 'claim': {
        const key = await this.#append(10)
        const isOldest = this.#unread()[0] === key
        if (key !== undefined && queue.claim(key)) {
          assert.ok(isOldest)
          this.out.push(key)
        }
        break
      }
      case 'settle':
      case 'give back': {
        if (this.out.length === 0) break
        const [key] = this.out.splice(command.which % this.out.length, 1) as [number]
        if (command.do === 'settle') this.#settle(key)
        else queue.giveBack(key)
        break
      }
      case 'wait':
        await clock.advance(command.time)
        if (command.time >= 1_000) this.done = [...this.#settled]
        break
      case 'fail':
        this.files.fault = (operation) => (command.on.includes(operation) ? failure(command.code) : undefined)
        break
      case 'heal':
        await this.heal()
        break
      case 'reopen':
        await this.heal()
        await queue.close()
        this.out.length = 0
        await this.open()
        break
    }
    this.check()
  }

  async heal(): Promise<void> {
    this.files.fault = () => undefined
    await this.#opened.clock.advance(5_000)
    assert.equal(this.#opened.disk.failure, undefined)
  }

  check(): void {
    const { queue, lost } = this.#opened
    const bytes = [...this.kept.values()].reduce((sum, text) => sum + text.length, 0)
    assert.deepEqual([queue.records, queue.items, queue.bytes], [this.kept.size, this.kept.size * 2, bytes])
    assert.equal(queue.unread, this.#unread().length)
    assert.deepEqual(lost, [])
  }

  async drain(): Promise<string[]> {
    const texts = await drain(this.#opened.queue)
    await this.#opened.queue.close()
    return texts
  }

  #settle(key: number): void {
    this.#settled.push(this.kept.get(key) as string)
    this.kept.delete(key)
    this.#opened.queue.settle(key)
  }

  #unread(): number[] {
    return [...this.kept.keys()].filter((key) => !this.out.includes(key))
  }

  async #append(size: number): Promise<number | undefined> {
    const text = `${this.#appended++}:${'x'.repeat(size)}`
    this.issued.add(text)
    try {
      const key = await put(this.#opened.queue, text, 2)
      this.kept.set(key, text)
      return key
    } catch (error) {
      assert.ok(error instanceof Refused && error.retryable, String(error))
      return undefined
    }
  }

  async #take(): Promise<void> {
    const record = await take(this.#opened.queue)
    const [oldest] = this.#unread()
    assert.equal(record?.key, oldest)
    if (!record) return
    assert.equal(record.text, this.kept.get(record.key))
    this.out.push(record.key)
  }
}

const RUNS = 150
const SEED = process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }

test('a queue does what a Map would, over restarts and disks that fail, and reads nothing that it refused', async () => {
  await fc.assert(
    fc.asyncProperty(hardship, async (commands) => {
      const model = new Model()
      await model.open()
      for (const command of commands) await model.run(command)
      await model.run({ do: 'reopen' })
      assert.deepEqual(await model.drain(), [...model.kept.values()])
    }),
    { numRuns: RUNS, ...SEED },
  )
})

for (const [what, commandsOf] of [
  ['a working disk', work],
  ['a failing disk', hardship],
] as const)
  for (const [how, isPowerCut] of [
    ['a kill', false],
    ['a power cut', true],
  ] as const)
    test(`after ${how} at any operation on ${what}, all that was acknowledged is there, in order and once`, async () => {
      await fc.assert(
        fc.asyncProperty(
          commandsOf,
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
          async (commands, moment, luck) => {
            const rehearsal = new Model()
            await rehearsal.open()
            for (const command of commands) await rehearsal.run(command)
            const model = new Model()
            const last = Math.floor(moment * rehearsal.files.operations)
            let turn = 0
            const keeps = isPowerCut ? () => luck[turn++ % luck.length] as number : ('everything' as const)
            let left: MemoryFiles | undefined
            let owed: readonly string[] = []
            let done: readonly string[] = []
            model.files.watch = (operation) => {
              if (operation !== last) return
              left = model.files.after(keeps)
              owed = [...model.kept.values()]
              done = model.done
            }
            await model.open()
            for (const command of commands) await model.run(command)
            if (!left) return
            const { queue } = await bareQueue(left)
            const found = await drain(queue)
            assert.deepEqual(
              owed.filter((text) => !found.includes(text)),
              [],
              'lost',
            )
            assert.deepEqual(
              found.filter((text) => !model.issued.has(text)),
              [],
              'invented',
            )
            if (commandsOf === work)
              assert.deepEqual(
                found.filter((text) => done.includes(text)),
                [],
                'once more',
              )
            assert.equal(new Set(found).size, found.length, 'twice')
            const order = found.map((text) => Number(text.split(':')[0]))
            assert.deepEqual(
              order,
              order.toSorted((one, other) => one - other),
            )
            await put(queue, 'fresh')
            assert.deepEqual(await drain(queue), ['fresh'])
            await queue.close()
          },
        ),
        { numRuns: RUNS, ...SEED },
      )
    })
