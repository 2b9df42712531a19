import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FrameReader } from '../../../src/transport/http2/frame-reader.ts'
import { DEFAULT_WINDOW, LARGEST_WINDOW } from '../../../src/transport/http2/frames.ts'
import { Outbox } from '../../../src/transport/http2/outbox.ts'
import { Body, SendWindows } from '../../../src/transport/http2/windows.ts'
import type { Sending } from '../../../src/transport/http2/windows.ts'

/** Windows over a socket that takes all, and what came through it. */
function sending() {
  const received = new Map<number, { bytes: Buffer[]; sizes: number[]; ended: boolean }>()
  let id = 0
  let ends = false
  const stream = () => {
    const found = received.get(id) ?? { bytes: [], sizes: [], ended: false }
    received.set(id, found)
    return found
  }
  const reader = new FrameReader(
    {
      frame: () => assert.fail(),
      beginData(flags, number, length) {
        id = number
        ends = (flags & 1) === 1
        stream().sizes.push(length)
      },
      data: (buffer, start, end) => void stream().bytes.push(Buffer.from(buffer.subarray(start, end))),
      endData: () => void (stream().ended ||= ends),
    },
    { data: 2 ** 24, other: 0 },
  )
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      reader.read(chunk)
      done()
    },
  })
  const outbox = new Outbox(socket)
  return { windows: new SendWindows(outbox), outbox, received }
}

const stream = (id: number, parts: readonly Buffer[], window = DEFAULT_WINDOW, written = () => {}): Sending => ({
  id,
  window,
  body: new Body(parts, true, written),
})

describe('Send windows', () => {
  test('let a body out in frames of the peer’s size, and end the stream with the last', () => {
    const { windows, outbox, received } = sending()
    let written = 0
    windows.begin(stream(1, [Buffer.alloc(10_000, 'a'), Buffer.alloc(10_000, 'b')], 30_000, () => written++))
    windows.begin(stream(3, []))
    outbox.flush()
    const { bytes, sizes, ended } = received.get(1)!
    assert.equal(Buffer.concat(bytes).toString(), 'a'.repeat(10_000) + 'b'.repeat(10_000))
    assert.deepEqual(sizes, [16_384, 3616])
    assert.ok(ended)
    assert.equal(written, 1)
    assert.deepEqual(received.get(3), { bytes: [], sizes: [0], ended: true })
  })

  test('hold back what is over the window of a stream, or of the connection', () => {
    const { windows, outbox, received } = sending()
    const narrow = stream(1, [Buffer.alloc(100)], 40)
    windows.begin(narrow)
    windows.begin(stream(3, [Buffer.alloc(DEFAULT_WINDOW)]))
    outbox.flush()
    const sent = (id: number) => Buffer.concat(received.get(id)?.bytes ?? []).length
    assert.deepEqual([sent(1), sent(3)], [40, DEFAULT_WINDOW - 40])
    assert.equal(windows.waiting, 2)
    windows.credit(50)
    outbox.flush()
    assert.deepEqual([sent(1), sent(3)], [40, DEFAULT_WINDOW])
    windows.creditStream(narrow, 5)
    outbox.flush()
    assert.equal(sent(1), 45)
    windows.shift([narrow], 100)
    outbox.flush()
    assert.equal(sent(1), 50)
    windows.credit(50)
    outbox.flush()
    assert.ok(received.get(1)!.ended)
    assert.equal(windows.waiting, 0)
  })

  test('may go below zero by a setting, and come back', () => {
    const { windows, outbox, received } = sending()
    const one = stream(1, [Buffer.alloc(20)], 10)
    windows.begin(one)
    windows.shift([one], -10)
    assert.equal(one.window, -10)
    windows.creditStream(one, 10)
    outbox.flush()
    assert.equal(Buffer.concat(received.get(1)!.bytes).length, 10)
    windows.creditStream(one, 10)
    outbox.flush()
    assert.ok(received.get(1)!.ended)
  })

  test('let an empty body out at once, also where they are below zero', () => {
    const { windows, outbox, received } = sending()
    windows.begin(stream(1, [], -10))
    outbox.flush()
    assert.deepEqual(received.get(1), { bytes: [], sizes: [0], ended: true })
    assert.equal(windows.waiting, 0)
  })

  test('may not overflow', () => {
    const { windows } = sending()
    const one = stream(1, [Buffer.alloc(1)], 0)
    assert.equal(windows.creditStream(one, LARGEST_WINDOW + 1), false)
    assert.throws(() => windows.credit(LARGEST_WINDOW), { code: 3 })
    one.window = LARGEST_WINDOW
    assert.throws(() => windows.shift([one], 1), { code: 3 })
  })

  test('send nothing more of a body that was dropped', () => {
    const { windows, outbox, received } = sending()
    const one = stream(1, [Buffer.alloc(100)], 40)
    windows.begin(one)
    assert.equal(windows.drop(one), true)
    assert.equal(windows.drop(one), false)
    windows.creditStream(one, 100)
    outbox.flush()
    assert.equal(Buffer.concat(received.get(1)!.bytes).length, 40)
  })

  test('let everything out in the end, in whatever order credit comes', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 1, maxLength: 6 })
    const credits = fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 100_000 })), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(sizes, credits, async (bodies, given) => {
        const { windows, outbox, received } = sending()
        const streams = bodies.map((size, index) => stream(index * 2 + 1, [Buffer.alloc(size, index)], 1000))
        streams.forEach((one) => windows.begin(one))
        for (const [which, bytes] of given) {
          const one = streams[which]
          if (one === undefined) windows.credit(bytes)
          else windows.creditStream(one, bytes)
          outbox.flush()
        }
        windows.credit(10_000_000)
        for (const one of streams) windows.creditStream(one, 1_000_000)
        // What is over the bound of the outbox leaves in later turns.
        for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve))
        outbox.flush()
        assert.equal(windows.waiting, 0)
        bodies.forEach((size, index) => {
          const { bytes, ended } = received.get(index * 2 + 1)!
          assert.ok(ended)
          assert.ok(Buffer.concat(bytes).equals(Buffer.alloc(size, index)))
        })
      }),
      { numRuns: 30 },
    )
  })
})
