import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { KernelClock } from '../../../src/receivers/ebpf/clock.ts'
import { pidOf, timeOf } from '../../../src/receivers/ebpf/event.ts'
import type { BatchMessage, FromWorker } from '../../../src/receivers/ebpf/messages.ts'
import { MOST_CRATES } from '../../../src/receivers/ebpf/output/crates.ts'
import { Session } from '../../../src/receivers/ebpf/session.ts'
import type { TracerContext } from '../../../src/receivers/ebpf/tracer.ts'
import type { AnyTracer } from '../../../src/receivers/ebpf/tracers.ts'
import { TestClock } from '../../../src/testing.ts'
import { FakeRing, ringBytes } from './events.ts'
import { FakeProcesses } from './known.ts'

const EVENT = 0x0101

/** A span, a record and a count of each event. */
const echo: AnyTracer = {
  name: 'echo',
  rungs: [],
  signals: () => ['traces', 'metrics', 'logs'],
  constants: () => ({}),
  mapSizes: () => ({}),
  create(context: TracerContext) {
    const counter = context.counter('echo.events', { unit: '{event}', description: 'd', int: true })
    return {
      types: [EVENT],
      event(buffer, at) {
        const process = context.processes.of(pidOf(buffer, at))
        const start = context.wall(timeOf(buffer, at))
        context.span(process, { traceId: '5'.repeat(32), spanId: '7'.repeat(16), name: 'echo', start, end: start + 1n })
        context.record(process, { time: start, body: 'echo' })
        counter.add(process, 1, {})
      },
      tick: () => context.note('ticks'),
    }
  },
}

function running({ signals = ['traces', 'metrics', 'logs'] as const, batchItems = 100, flushInterval = 200 } = {}) {
  const clock = new TestClock()
  const ring = new FakeRing()
  const processes = new FakeProcesses()
  const posted: FromWorker[] = []
  const monotonic = () => BigInt(Math.round(clock.monotonic() * 1e6)) + 1n
  let looks = 0
  const kernelClock = new KernelClock({ monotonic, now: () => 1_700_000_000_000 + (looks++ > 0 ? 1 : 0) })
  const config = {
    selection: { include: [], exclude: [] },
    rootPath: '',
    metricsInterval: 10_000,
    flushInterval,
    series: 100,
    eventsPerSecond: 0,
    batchItems,
  }
  const session = new Session(
    { ring: 0, tracers: [], signals, config, ownPids: [] },
    {
      ring,
      processes,
      clock,
      kernelClock,
      definitions: [{ definition: echo, options: undefined }],
      version: '9',
      post: (message) => void posted.push(message),
    },
  )
  session.start()
  const batches = () => posted.filter((message) => message.kind === 'batch')
  /** Empties all crates that were posted, as the main thread does. */
  const empty = () => {
    for (const { signal, crate } of batches()) session.hear({ kind: 'crate', signal, crate })
    posted.splice(0, posted.length, ...posted.filter((message) => message.kind !== 'batch'))
  }
  return { clock, ring, processes, posted, session, batches, empty }
}

const decoded = ({ crate, bytes, signal }: BatchMessage) =>
  JSON.stringify(toObject(Buffer.from(crate, 0, bytes), signal))

describe('a session', () => {
  test('makes spans and records within the flush interval, and metrics at theirs', () => {
    const { clock, ring, posted, batches, empty } = running()
    assert.deepEqual(posted.shift(), { kind: 'running' })
    ring.waiting.push(ringBytes({ type: EVENT, pid: 4 }, { type: EVENT, pid: 5 }))
    clock.turn(300)
    assert.deepEqual(
      batches().map(({ signal, items }) => [signal, items]),
      [
        ['traces', 2],
        ['logs', 2],
      ],
    )
    assert.match(decoded(batches()[0] as BatchMessage), /"name":"telegen\/ebpf\/echo","version":"9"/)
    const [, time, observed] =
      /"timeUnixNano":"(\d+)".*"observedTimeUnixNano":"(\d+)"/.exec(decoded(batches()[1] as BatchMessage)) ?? []
    assert.ok(Number(time) > 0 && Number(observed) > Number(time), 'a record is observed after it happened')
    empty()
    clock.turn(10_000)
    assert.deepEqual(
      batches().map(({ signal, items }) => [signal, items]),
      [['metrics', 2]],
    )
    assert.match(decoded(batches()[0] as BatchMessage), /echo\.events/)
  })

  test('sends what comes after a pause at once, and what follows once an interval', () => {
    const { clock, ring, batches } = running({ signals: ['traces'] as never, flushInterval: 10_000 })
    const sent = (milliseconds: number) => {
      for (let passed = 0; passed < milliseconds; passed += 500) {
        ring.waiting.push(ringBytes({ type: EVENT }))
        clock.turn(500)
      }
      return batches().length
    }
    assert.equal(sent(500), 1)
    assert.equal(sent(9_000), 1)
    assert.equal(sent(1_500), 2)
    clock.turn(30_000)
    assert.equal(sent(500), 4, 'one that waited, one at once')
  })

  test('makes nothing of a signal that leaves in no pipeline', () => {
    const { clock, ring, batches } = running({ signals: ['logs'] as never })
    ring.waiting.push(ringBytes({ type: EVENT }))
    clock.turn(30_000)
    assert.deepEqual(
      batches().map(({ signal }) => signal),
      ['logs'],
    )
  })

  test('ceases to read while nothing of what it sent is taken, and goes on when it is', () => {
    const { clock, ring, session, batches } = running({ signals: ['traces'] as never, batchItems: 1 })
    for (let each = 0; each < 100; each++) ring.waiting.push(ringBytes({ type: EVENT }))
    clock.turn(5_000)
    assert.equal(batches().length, MOST_CRATES)
    assert.equal(ring.waiting.length, 100 - MOST_CRATES)
    const { signal, crate } = batches()[0] as BatchMessage
    session.hear({ kind: 'crate', signal, crate })
    assert.equal(ring.waiting.length, 99 - MOST_CRATES)
  })

  test('skips a collection while the one before waits, and has all of it in the next', () => {
    const { clock, ring, posted, batches, empty } = running({ signals: ['metrics'] as never })
    ring.waiting.push(ringBytes({ type: EVENT }))
    clock.turn(32_000)
    assert.equal(batches().length, 1)
    const noted = posted.flatMap((message) => (message.kind === 'counts' ? (message.counts?.noted ?? []) : []))
    assert.deepEqual(
      noted.filter(([, what]) => what === 'collection_skipped'),
      [
        ['none', 'collection_skipped', 1],
        ['none', 'collection_skipped', 1],
      ],
    )
    empty()
    clock.turn(10_000)
    assert.equal(batches().length, 1)
  })

  test('tells what it counted, and verdicts as they come', () => {
    const { clock, ring, processes, posted } = running()
    ring.waiting.push(ringBytes({ type: EVENT }, { type: 0x0999 }))
    processes.verdicts.push([7, 1])
    clock.turn(1_100)
    assert.deepEqual(
      posted.find(({ kind }) => kind === 'verdicts'),
      { kind: 'verdicts', verdicts: [[7, 1]] },
    )
    const counts = posted.filter((message) => message.kind === 'counts')
    assert.deepEqual(counts[0]?.counts?.events, [['echo', 1]])
    assert.deepEqual(counts[0]?.counts?.dropped, [['none', 'unknown_type', 1]])
    assert.ok(processes.sweeps >= 4)
  })

  test('at its end reads what is there, sends it, and says so last', () => {
    const { ring, session, posted } = running()
    ring.waiting.push(ringBytes({ type: EVENT, pid: 4 }))
    session.hear({ kind: 'end' })
    const kinds = posted.map((message) => (message.kind === 'batch' ? message.signal : message.kind))
    assert.deepEqual(kinds, ['running', 'traces', 'logs', 'metrics', 'counts', 'ended'])
    assert.equal(ring.isClosed, true)
    session.hear({ kind: 'end' })
    assert.equal(posted.length, 6)
  })
})
