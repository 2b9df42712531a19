import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DRAIN_BYTES, Pump } from '../../../src/receivers/ebpf/pump.ts'
import { TestClock } from '../../../src/testing.ts'
import { FakeRing } from './events.ts'

function pumping() {
  const clock = new TestClock()
  const ring = new FakeRing()
  const state = { held: false, read: 0, turns: 0 }
  const pump = new Pump({
    ring,
    clock,
    read(_, bytes) {
      state.read += bytes
      return 1
    },
    isHeld: () => state.held,
    afterTurn: () => state.turns++,
  })
  pump.start()
  return { clock, ring, state, pump }
}

test('a ring in which little comes is looked at four times a second, one in which much does whenever 256 KiB wait', () => {
  const { clock, ring, state } = pumping()
  ring.isPoured = true
  const looks = (bytes: number) => {
    const { turns } = state
    for (let ms = 0; ms < 1_000; ms++) {
      if (bytes > 0) ring.waiting.push(Buffer.alloc(bytes / 1_000))
      clock.turn(1)
    }
    return state.turns - turns
  }
  looks(0)
  assert.equal(looks(0), 4)
  assert.equal(looks(400_000), 4)
  assert.equal(state.read, 400_000 - ring.waiting.length * 400)
  looks(8_000_000)
  const busy = looks(8_000_000)
  assert.ok(busy >= 29 && busy <= 34, `${busy} looks`)
  looks(0)
  assert.equal(looks(0), 4)
})

test('what is woken reads at once', () => {
  const { clock, ring, state } = pumping()
  clock.turn(1_000)
  ring.waiting.push(Buffer.alloc(64))
  ring.wakeUp()
  assert.equal(state.read, 64)
})

test('while held nothing is read, though woken; time goes on', () => {
  const { clock, ring, state, pump } = pumping()
  state.held = true
  ring.waiting.push(Buffer.alloc(64))
  const { turns } = state
  ring.wakeUp()
  clock.turn(1_000)
  assert.equal(state.read, 0)
  assert.ok(state.turns > turns + 5)
  state.held = false
  pump.wake()
  assert.equal(state.read, 64)
})

test('a full ring gives timers their turn between its buffers', () => {
  const { clock, ring, state } = pumping()
  for (let each = 0; each < 20; each++) ring.waiting.push(Buffer.alloc(DRAIN_BYTES))
  ring.wakeUp()
  assert.equal(state.read, 8 * DRAIN_BYTES)
  clock.turn(0)
  assert.equal(state.read, 20 * DRAIN_BYTES)
})

test('the end reads what is there, and nothing afterwards', () => {
  const { clock, ring, state, pump } = pumping()
  for (let each = 0; each < 20; each++) ring.waiting.push(Buffer.alloc(DRAIN_BYTES))
  pump.end()
  assert.equal(state.read, 20 * DRAIN_BYTES)
  ring.waiting.push(Buffer.alloc(64))
  ring.wakeUp()
  clock.turn(1_000)
  assert.equal(state.read, 20 * DRAIN_BYTES)
  assert.equal(clock.waiting, 0)
})
