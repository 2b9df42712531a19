import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toObject } from '../../../../src/data/codec/to-object.ts'
import { Aggregates } from '../../../../src/receivers/ebpf/aggregate/aggregates.ts'
import { takeCounts, Tally } from '../../../../src/receivers/ebpf/tally.ts'
import type { Process } from '../../../../src/receivers/ebpf/tracer.ts'
import { FakeProcesses, known } from '../known.ts'

interface Point {
  readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
  readonly startTimeUnixNano?: string
  readonly timeUnixNano: string
  readonly asInt?: string
  readonly asDouble?: number
  readonly count?: string
  readonly sum?: number
  readonly bucketCounts?: readonly string[]
  readonly exemplars?: readonly { readonly asDouble: number; readonly traceId: string }[]
}

interface Request {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes?: Point['attributes'] }
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string }
      readonly metrics: readonly {
        readonly name: string
        readonly sum?: { readonly isMonotonic?: boolean; readonly dataPoints: readonly Point[] }
        readonly gauge?: { readonly dataPoints: readonly Point[] }
        readonly histogram?: { readonly aggregationTemporality: number; readonly dataPoints: readonly Point[] }
      }[]
    }[]
  }[]
}

const ABOUT = { unit: 's', description: 'd' }
const COUNT = { unit: '{x}', description: 'd', int: true }

function aggregating(series = 100) {
  const processes = new FakeProcesses()
  const tally = new Tally('http')
  const isGone = (process: Process) => processes.hasEnded(process)
  const aggregates = new Aggregates({ series, host: processes.host, isGone, since: 10n })
  const instruments = aggregates.tracer({ name: 'telegen/ebpf/http' }, tally)
  /** Every point with the metric that it is of and the pid of its resource. */
  const collect = (now: bigint) =>
    aggregates.collect(now).flatMap((batch) => {
      const { resourceMetrics } = toObject(Buffer.concat(batch.segments()), 'metrics') as unknown as Request
      return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
        scopeMetrics.flatMap(({ metrics }) =>
          metrics.flatMap(({ name, sum, gauge, histogram }) =>
            (sum ?? gauge ?? histogram)!.dataPoints.map((point) => ({
              name,
              pid: Number(resource.attributes?.[0]?.value['intValue'] ?? 0),
              with: Object.fromEntries(
                (point.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]),
              ),
              point,
            })),
          ),
        ),
      )
    })
  return { processes, tally, instruments, aggregates, collect }
}

describe('aggregates', () => {
  test('a counter goes on from collection to collection, by process and attributes, whatever their order', () => {
    const { instruments, collect } = aggregating()
    const counter = instruments.counter('c', COUNT)
    const [one, two] = [known(1), known(2)]
    counter.add(one, 1, { a: 'x', b: 1 })
    counter.add(one, 2, { b: 1, a: 'x' })
    counter.add(one, 4, { a: 'x', b: '1' })
    counter.add(one, -5, { a: 'x', b: 1 })
    counter.add(two, 8, { a: 'x', b: 1 })
    const first = collect(20n)
    assert.deepEqual(
      first.map(({ pid, point }) => [pid, point.asInt, point.startTimeUnixNano, point.timeUnixNano]),
      [
        [1, '3', '10', '20'],
        [1, '4', '10', '20'],
        [2, '8', '10', '20'],
      ],
    )
    counter.add(two, 1, { a: 'x', b: 1 })
    counter.add(two, 1, { a: 'new' })
    assert.deepEqual(
      collect(30n).map(({ point }) => [point.asInt, point.startTimeUnixNano]),
      [
        ['3', '10'],
        ['4', '10'],
        ['9', '10'],
        ['1', '20'],
      ],
    )
    assert.equal(instruments.counter('c', COUNT), counter, 'an instrument is made once')
  })

  test('attributes that are frozen are of the same series as their like, of each process its own', () => {
    const { instruments, collect } = aggregating()
    const counter = instruments.counter('c', COUNT)
    const [one, two] = [known(1), known(2)]
    const frozen = Object.freeze({ a: 'x' })
    const reused: Record<string, string> = { a: 'x' }
    for (const process of [one, one, two]) counter.add(process, 1, frozen)
    counter.add(one, 1, reused)
    reused['a'] = 'y'
    counter.add(one, 1, reused)
    assert.deepEqual(
      collect(20n).map(({ pid, with: attributes, point }) => [pid, attributes['a'], point.asInt]),
      [
        [1, 'x', '3'],
        [1, 'y', '1'],
        [2, 'x', '1'],
      ],
    )
  })

  test('a histogram puts a value that is a bound below it, and shows each exemplar once', () => {
    const { instruments, collect } = aggregating()
    const histogram = instruments.histogram('h', { ...ABOUT, boundaries: [0.1, 0.5, 1] })
    const process = known(1)
    const exemplar = (value: number, digit: string) => ({ value, traceId: digit.repeat(32), spanId: digit.repeat(16) })
    histogram.record(process, 0.1, {}, exemplar(0.1, 'a'))
    histogram.record(process, 0.05, {}, exemplar(0.05, 'b'))
    histogram.record(process, 0.6, {})
    histogram.record(process, 7, {}, exemplar(7, 'c'))
    histogram.record(process, Number.NaN, {})
    const point = collect(20n)[0]?.point as Point
    assert.deepEqual(point.bucketCounts, ['2', '0', '1', '1'])
    assert.equal(point.count, '4')
    assert.equal(point.sum, 7.75)
    assert.deepEqual(
      point.exemplars?.map(({ asDouble }) => asDouble),
      [0.05, 7],
    )
    histogram.record(process, 0.2, {})
    const later = collect(30n)[0]?.point as Point
    assert.deepEqual(later.bucketCounts, ['2', '1', '1', '1'])
    assert.deepEqual(later.exemplars ?? [], [])
  })

  test('what is beyond the limit of series is counted in one', () => {
    const { instruments, collect, processes } = aggregating(4)
    const counter = instruments.counter('c', COUNT)
    for (let pid = 1; pid <= 10; pid++) counter.add(processes.of(pid), 1, { route: `/${pid}` })
    const points = collect(20n)
    assert.equal(points.length, 4)
    assert.deepEqual(
      points.map(({ pid, point }) => [pid, point.asInt]),
      [
        [1, '1'],
        [2, '1'],
        [3, '1'],
        [0, '7'],
      ],
    )
    assert.deepEqual(points[3]?.with, { 'otel.metric.overflow': true })
  })

  test('a process that ended is shown once more, then forgotten, and makes room', () => {
    const { instruments, collect, processes } = aggregating(3)
    const counter = instruments.counter('c', COUNT)
    counter.add(processes.of(1), 1, {})
    counter.add(processes.of(2), 1, {})
    processes.ended.add(processes.of(1))
    assert.deepEqual(
      collect(20n).map(({ pid }) => pid),
      [1, 2],
    )
    assert.deepEqual(
      collect(30n).map(({ pid }) => pid),
      [1, 2],
    )
    assert.deepEqual(
      collect(40n).map(({ pid }) => pid),
      [2],
    )
    counter.add(processes.of(3), 5, {})
    assert.deepEqual(
      collect(50n).map(({ pid, point }) => [pid, point.startTimeUnixNano]),
      [
        [2, '10'],
        [3, '40'],
      ],
    )
  })

  test('a process that is another to the table and has the same resource goes on with its series', () => {
    const { instruments, processes, collect } = aggregating()
    const counter = instruments.counter('c', COUNT)
    const before = known(1)
    counter.add(before, 1, { a: 'x' })
    processes.ended.add(before)
    collect(20n)
    const after = { ...before }
    counter.add(after, 2, { a: 'x' })
    for (const now of [30n, 40n, 50n])
      assert.deepEqual(
        collect(now).map(({ point }) => [point.asInt, point.startTimeUnixNano]),
        [['3', '10']],
      )
  })

  test('a resource that no longer holds is let go of', () => {
    const { instruments, collect } = aggregating()
    const counter = instruments.counter('c', COUNT)
    const process = known(1)
    counter.add(process, 1, {})
    collect(20n)
    process.resource = { 'process.pid': 1, 'service.name': 'now' }
    counter.add(process, 1, {})
    for (const now of [30n, 40n]) collect(now)
    assert.equal(collect(50n).length, 1)
  })

  test('a gauge says what is true at the collection, and no more of it than the limit', () => {
    const { instruments, collect, tally, processes } = aggregating(2)
    let open = 3
    instruments.gauge('g', COUNT, (emit) => {
      for (let pid = 1; pid <= open; pid++) emit(processes.of(pid), pid * 10, { state: 'open' })
    })
    assert.deepEqual(
      collect(20n).map(({ pid, point }) => [pid, point.asInt]),
      [
        [1, '10'],
        [2, '20'],
      ],
    )
    assert.deepEqual(takeCounts([tally])?.dropped, [['http', 'series_limit', 1]])
    open = 0
    assert.deepEqual(collect(30n), [])
  })

  test('an instrument that fails is counted, and keeps the others from nothing', () => {
    const { instruments, collect, tally } = aggregating()
    instruments.gauge('g', COUNT, () => {
      throw new Error('no')
    })
    instruments.counter('half', COUNT).add(known(1), 0.5, {})
    instruments.counter('c', COUNT).add(known(1), 1, {})
    assert.deepEqual(
      collect(20n).map(({ name }) => name),
      ['c'],
    )
    assert.deepEqual(takeCounts([tally])?.dropped, [['http', 'metric', 2]])
  })

  test('nothing is counted of a process that is left out', () => {
    const { instruments, collect } = aggregating()
    const left = known(1, { traced: false })
    instruments.counter('c', COUNT).add(left, 1, {})
    instruments.histogram('h', { ...ABOUT, boundaries: [1] }).record(left, 1, {})
    instruments.gauge('g', COUNT, (emit) => emit(left, 1, {}))
    assert.deepEqual(collect(20n), [])
  })

  test('a large collection is several requests', () => {
    const { instruments, aggregates, processes } = aggregating(10_000)
    const counter = instruments.counter('c', COUNT)
    for (let pid = 1; pid <= 40; pid++)
      for (let each = 0; each < 50; each++) counter.add(processes.of(pid), 1, { text: `${each}`.padEnd(500, 'x') })
    const batches = aggregates.collect(20n)
    assert.ok(batches.length >= 2)
    assert.equal(
      batches.reduce((sum, { items }) => sum + items, 0),
      2_000,
    )
    assert.ok(batches.every(({ bytes }) => bytes < 600_000))
  })
})
