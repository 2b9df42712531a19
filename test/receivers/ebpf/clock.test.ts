import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KernelClock } from '../../../src/receivers/ebpf/clock.ts'

/** Clocks that go on by `step` nanoseconds with every look. */
function clocks(step: bigint, ahead: bigint) {
  const state = { time: 5_000_000_123n, ahead }
  return {
    state,
    monotonic: () => (state.time += step),
    now: () => Number((state.time + state.ahead) / 1_000_000n),
  }
}

test('wall time of a time of the kernel is right to microseconds, though the wall clock shows milliseconds', () => {
  const ahead = 1_700_000_000_123_456_789n
  const clock = new KernelClock(clocks(500n, ahead))
  const error = clock.wall(6_000_000_000) - (6_000_000_000n + ahead)
  assert.ok(error <= 0n && error > -2_000n, `${error} ns`)
})

test('the wall clock that is set is noticed within half a minute, not between two times of an event', () => {
  const turned = clocks(500n, 1_000_000_000_000n)
  const clock = new KernelClock(turned)
  turned.state.ahead += 3_600_000_000_000n
  clock.keep(clock.monotonic())
  assert.ok(clock.wall(0) < 1_000_000_000_001n)
  turned.state.time += 31_000_000_000n
  clock.keep(clock.monotonic())
  assert.ok(clock.wall(0) > 4_599_999_000_000n)
})

test('a wall clock that stands still does not keep it waiting for ever', () => {
  let time = 0n
  const clock = new KernelClock({ monotonic: () => (time += 10n), now: () => 42 })
  assert.ok(clock.wall(0) <= 42_000_000n)
})

test('this machine: the distance fits what both clocks show', () => {
  const clock = new KernelClock()
  const before = BigInt(Date.now()) * 1_000_000n
  const wall = clock.wall(clock.monotonic())
  const after = BigInt(Date.now() + 1) * 1_000_000n
  assert.ok(wall >= before - 1_000_000n && wall <= after + 1_000_000n)
})
