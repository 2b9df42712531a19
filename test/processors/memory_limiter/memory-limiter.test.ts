import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Subject } from 'rxjs'
import { Refused, UNKNOWN_ORIGIN } from '../../../src/plugin.ts'
import type { Delivery, Outcome } from '../../../src/plugin.ts'
import { rootDelivery } from '../../../src/component/delivery-node.ts'
import { batchOf } from '../../../src/data/batch.ts'
import { availableMemory, limitsOf } from '../../../src/processors/memory_limiter/limits.ts'
import { faults } from '../../../src/processors/memory_limiter/options.ts'
import type { LimiterConfig } from '../../../src/processors/memory_limiter/options.ts'
import { refusing } from '../../../src/processors/memory_limiter/refusing.ts'
import { TestContext } from '../../component/test-context.ts'

const MIB = 2 ** 20
const DEFAULTS: LimiterConfig = {
  check_interval: 1000,
  limit_mib: 100,
  spike_limit_mib: 20,
  limit_percentage: 0,
  spike_limit_percentage: 0,
  min_gc_interval_when_soft_limited: 10_000,
  min_gc_interval_when_hard_limited: 0,
  max_gc_interval_when_soft_limited: 30_000,
  max_gc_interval_when_hard_limited: 30_000,
}

/** A limiter over memory that a test sets. `garbage` is what a collection frees. */
async function stage(options: Partial<LimiterConfig> = {}, canCollect = false) {
  const context = Object.assign(new TestContext('memory_limiter', { ...DEFAULTS, ...options }), {
    signal: 'logs' as const,
    pipeline: 'logs',
  })
  const memory = { used: 10 * MIB, garbage: 0, collections: [] as number[] }
  const processor = refusing(context, {
    available: () => 1000 * MIB,
    used: () => memory.used,
    collect: canCollect
      ? () => {
          memory.collections.push(context.clock.monotonic())
          memory.used -= memory.garbage
        }
      : undefined,
  })
  assert.ok('operator' in processor)
  const source = new Subject<Delivery>()
  const passed: Delivery[] = []
  processor.operator(source).subscribe((delivery) => passed.push(delivery))
  await processor.start?.()
  const send = (): Outcome | undefined => {
    let outcome: Outcome | undefined
    const observer = { acknowledge: 'accepted' as const, ended: (end: Outcome) => (outcome = end), lost: () => {} }
    source.next(rootDelivery(batchOf('logs', 3, Buffer.alloc(0)), UNKNOWN_ORIGIN, observer))
    return outcome
  }
  return { context, clock: context.clock, memory, processor, passed, send }
}

describe('memory_limiter', () => {
  test('lets data pass below the soft limit', async () => {
    const { send, passed, context } = await stage()
    assert.equal(send(), undefined)
    assert.equal(passed.length, 1)
    assert.equal(context.counts.get('otelcol_processor_memory_limiter_accepted_log_records'), 3)
  })

  test('refuses data retryably from the soft limit on, and takes it again below', async () => {
    const { send, passed, memory, clock, context } = await stage()
    memory.used = 80 * MIB
    clock.turn(1000)
    const outcome = send()
    assert.ok(outcome instanceof Refused && outcome.retryable)
    assert.equal(outcome.message, 'data refused due to high memory usage')
    assert.equal(outcome.code, 'unavailable')
    assert.equal(context.counts.get('otelcol_processor_memory_limiter_refused_log_records'), 3)
    assert.deepEqual(context.reports, ['recoverable: memory usage of 80 MiB is above the soft limit of 80 MiB'])
    memory.used = 79 * MIB
    clock.turn(1000)
    assert.equal(send(), undefined)
    assert.equal(passed.length, 1)
    assert.deepEqual(context.reports.at(-1), 'ok')
  })

  test('does not refuse where a collection brings the memory below the soft limit', async () => {
    const { send, memory, clock } = await stage({}, true)
    memory.used = 90 * MIB
    memory.garbage = 50 * MIB
    clock.turn(1000)
    assert.equal(memory.collections.length, 1)
    assert.equal(send(), undefined)
  })

  test('collects at each look above the hard limit, but ever more rarely while that frees nothing', async () => {
    const { memory, clock } = await stage({}, true)
    memory.used = 120 * MIB
    const began = clock.monotonic()
    clock.turn(20_000)
    assert.deepEqual(
      memory.collections.map((at) => (at - began) / 1000),
      [1, 2, 4, 8, 16],
    )
  })

  test('measures once for all pipelines, and stops when the last of them has', async () => {
    const { context, processor, clock } = await stage()
    const second = refusing(Object.assign(context, { signal: 'traces', pipeline: 'traces' }) as never)
    await second.start?.()
    assert.equal(clock.waiting, 1)
    await second.stop?.(AbortSignal.abort())
    await processor.stop?.(AbortSignal.abort())
    assert.equal(clock.waiting, 0)
  })

  test('computes its limits as the Collector does', () => {
    const available = () => 1000 * MIB
    const inMiB = (options: Partial<LimiterConfig>) => {
      const { soft, hard } = limitsOf({ ...DEFAULTS, ...options }, available)
      return [soft / MIB, hard / MIB]
    }
    assert.deepEqual(inMiB({ spike_limit_mib: 0 }), [80, 100])
    assert.deepEqual(inMiB({ limit_mib: 0, limit_percentage: 50, spike_limit_percentage: 10 }), [400, 500])
    assert.deepEqual(inMiB({ limit_percentage: 50 }), [80, 100])
    assert.ok(availableMemory() > MIB)
  })

  test('says what is wrong with its options in the words of the Collector', () => {
    const messages = (options: Partial<LimiterConfig>) =>
      [...faults({ ...DEFAULTS, ...options })].map(({ message }) => message)
    assert.deepEqual(messages({}), [])
    assert.deepEqual(messages({ check_interval: 0, limit_mib: 0 }), [
      "'check_interval' must be greater than zero",
      "'limit_mib' or 'limit_percentage' must be greater than zero",
    ])
    assert.deepEqual(messages({ spike_limit_mib: 100 }), ["'spike_limit_mib' must be smaller than 'limit_mib'"])
    assert.deepEqual(messages({ limit_percentage: 50, spike_limit_percentage: 50 }), [
      "'spike_limit_percentage' must be smaller than 'limit_percentage'",
    ])
    assert.match(messages({ limit_percentage: 101 })[0] ?? '', /less than or equal to hundred/)
    assert.match(messages({ min_gc_interval_when_hard_limited: 20_000 })[0] ?? '', /should be larger than/)
  })

  test('shows in every pipeline that it refuses, also in one that starts while it does', async () => {
    const config = { ...DEFAULTS }
    const memory = { available: () => 1000 * MIB, used: () => 90 * MIB, collect: undefined }
    for (const pipeline of ['logs/one', 'logs/two']) {
      const about = { signal: 'logs' as const, pipeline }
      const context = Object.assign(new TestContext('memory_limiter', config), about)
      await refusing(context, memory).start?.()
      assert.deepEqual(context.reports, ['recoverable: memory usage of 90 MiB is above the soft limit of 80 MiB'])
    }
  })
})
