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

test('a ring in which little comes is looked at four times a second, one in which much does a hundred times and more', () => {
  const { clock, ring, state } = pumping()
  const looks = (events: number, bytes: number) => {
    for (let each = 0; each < events; each++) ring.waiting.push(Buffer.alloc(bytes))
    ring.drains = 0
    clock.turn(1_000)
    return ring.drains
  }
  looks(0, 0)
  looks(0, 0)
  assert.equal(looks(0, 0), 4)
  assert.equal(looks(4, 100), 4)
  assert.equal(state.read, 400)
  looks(200, 160 * 1024)
  const busy = looks(200, 160 * 1024)
  assert.ok(busy > 100, `${busy} looks`)
  ring.waiting.length = 0
  looks(0, 0)
  looks(0, 0)
  assert.equal(looks(0, 0), 4)
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
