import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Engine } from '../../../src/receivers/ebpf/engine.ts'
import { lengthOf, pidOf, timeOf, typeOf } from '../../../src/receivers/ebpf/event.ts'
import { takeCounts, Tally } from '../../../src/receivers/ebpf/tally.ts'
import { ringBytes } from './events.ts'

function running({ types = [0x0101], eventsPerSecond = 0, event = () => {} }: Partial<Options> = {}) {
  const seen: { type: number; pid: number; time: number; length: number; payload: string }[] = []
  const none = new Tally('none')
  const tally = new Tally('http')
  const tracer = {
    types,
    event(buffer: Buffer, at: number, length: number) {
      assert.equal(length, lengthOf(buffer, at))
      const payload = buffer.toString('latin1', at + 24, at + length)
      seen.push({ type: typeOf(buffer, at), pid: pidOf(buffer, at), time: timeOf(buffer, at), length, payload })
      event()
    },
    tick(now: number) {
      seen.push({ type: 0, pid: 0, time: now, length: 0, payload: 'tick' })
      event()
    },
  }
  const engine = new Engine({ listeners: [{ tracer, tally }], none, eventsPerSecond })
  return { engine, seen, counts: () => takeCounts([tally, none]) }
}

interface Options {
  readonly types: readonly number[]
  readonly eventsPerSecond: number
  readonly event: () => void
}

const read = (engine: Engine, bytes: Buffer, now = 1) => engine.read(bytes, bytes.length, now)

describe('the engine', () => {
  test('hands each event to the tracer that reads its type, whatever its length', () => {
    const { engine, seen, counts } = running({ types: [0x0101, 0x0102] })
    const bytes = ringBytes(
      { type: 0x0101, pid: 1, time: 5, payload: Buffer.from('abc') },
      { type: 0x0102, pid: 2, payload: Buffer.from('12345678') },
      { type: 0x0101, pid: 3 },
    )
    assert.equal(read(engine, bytes), 3)
    assert.deepEqual(
      seen.map(({ pid, payload }) => [pid, payload]),
      [
        [1, 'abc'],
        [2, '12345678'],
        [3, ''],
      ],
    )
    assert.equal(seen[0]?.time, 5)
    assert.deepEqual(counts(), { events: [['http', 3]], dropped: [], noted: [] })
    assert.equal(counts(), undefined, 'what was told is not told again')
  })

  test('counts a type that nobody reads, and passes over what was discarded', () => {
    const { engine, seen, counts } = running()
    read(engine, ringBytes({ type: 0x0999 }, { type: 0x0101, isDiscarded: true }, { type: 0x0101 }))
    assert.equal(seen.length, 1)
    assert.deepEqual(counts(), { events: [['http', 1]], dropped: [['none', 'unknown_type', 1]], noted: [] })
  })

  test('counts a header whose length is not of its record, and goes on behind it', () => {
    const { engine, seen, counts } = running()
    read(engine, ringBytes({ type: 0x0101, said: 25 }, { type: 0x0101, said: 3 }, { type: 0x0101, pid: 9 }))
    assert.deepEqual(
      seen.map(({ pid }) => pid),
      [9],
    )
    assert.deepEqual(counts()?.dropped, [['http', 'malformed', 2]])
  })

  test('a record that is cut off ends the reading, counted', () => {
    const { engine, seen, counts } = running()
    const bytes = ringBytes({ type: 0x0101 }, { type: 0x0101, payload: Buffer.alloc(40) })
    read(engine, bytes.subarray(0, bytes.length - 8))
    assert.equal(seen.length, 1)
    assert.deepEqual(counts()?.dropped, [['none', 'malformed', 1]])
  })

  test('a tracer that throws costs one event, and is named once', () => {
    const { engine, seen, counts } = running({
      event() {
        throw new Error('no such thing')
      },
    })
    read(engine, ringBytes({ type: 0x0101 }, { type: 0x0101 }))
    engine.tick(3)
    assert.equal(seen.length, 3)
    assert.deepEqual(counts(), { events: [['http', 2]], dropped: [['http', 'error', 3]], noted: [] })
    const faults = engine.takeFaults()
    assert.equal(faults.length, 1)
    assert.match(faults[0] as string, /^http: .*no such thing/)
    assert.deepEqual(engine.takeFaults(), [])
  })

  test('drops what comes beyond the events of a second, counted', () => {
    const { engine, seen, counts } = running({ eventsPerSecond: 2 })
    const three = ringBytes({ type: 0x0101 }, { type: 0x0101 }, { type: 0x0101 })
    read(engine, three, 1e9)
    assert.equal(seen.length, 2)
    read(engine, three, 1.5e9)
    assert.equal(seen.length, 3)
    read(engine, three, 9e9)
    assert.equal(seen.length, 5, 'no more than a second of them is saved up')
    assert.deepEqual(counts()?.dropped, [['http', 'over_limit', 4]])
  })

  test('refuses two tracers for one type', () => {
    const listener = { tracer: { types: [1], event() {} }, tally: new Tally('a') }
    const options = { listeners: [listener, listener], none: new Tally('none'), eventsPerSecond: 0 }
    assert.throws(() => new Engine(options), /two tracers/)
  })

  test('takes any bytes, and reads within them', () => {
    const whole = ringBytes({ type: 0x0101, payload: Buffer.from('payload') }, { type: 0x0101 })
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255))),
        (any, changes) => {
          const { engine } = running()
          read(engine, Buffer.from(any))
          const mutated = Buffer.from(whole)
          for (const [at, value] of changes) mutated[at] = value
          read(engine, mutated)
        },
      ),
      { numRuns: 300 },
    )
  })
})
