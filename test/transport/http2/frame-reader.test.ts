import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FrameReader } from '../../../src/transport/http2/frame-reader.ts'
import type { FrameHandler } from '../../../src/transport/http2/frame-reader.ts'
import { DATA, PADDED } from '../../../src/transport/http2/frames.ts'
import { frame } from '../raw-http2.ts'

const LIMITS = { data: 3000, other: 2000 }

/** What a handler heard, DATA joined. */
class Recorder implements FrameHandler {
  readonly heard: string[] = []
  #content: Buffer[] = []
  #head = ''

  frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    this.heard.push(`${type} ${flags} ${stream} ${buffer.toString('hex', start, end)}`)
  }
  beginData(flags: number, stream: number, length: number): void {
    this.#head = `data ${flags} ${stream} ${length}`
    this.#content = []
  }
  data(buffer: Buffer, start: number, end: number): void {
    assert.ok(end > start)
    this.#content.push(Buffer.from(buffer.subarray(start, end)))
  }
  endData(): void {
    this.heard.push(`${this.#head} ${Buffer.concat(this.#content).toString('hex')}`)
  }
}

interface Sent {
  readonly bytes: Buffer
  readonly heard: string
}

const payload = (most: number) => fc.uint8Array({ maxLength: most }).map((bytes) => Buffer.from(bytes))
const stream = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const flags = fc.integer({ min: 0, max: 255 })

const other: fc.Arbitrary<Sent> = fc
  .tuple(fc.integer({ min: 1, max: 255 }), flags, stream, payload(2000))
  .map(([type, flag, id, content]) => ({
    bytes: frame(type, flag, id, content),
    heard: `${type} ${flag} ${id} ${content.toString('hex')}`,
  }))

const data: fc.Arbitrary<Sent> = fc
  .tuple(flags, stream, payload(2000), fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }))
  .map(([flag, id, content, padding]) => {
    const all =
      padding === undefined ? content : Buffer.concat([Buffer.from([padding]), content, Buffer.alloc(padding)])
    const set = padding === undefined ? flag & ~PADDED : flag | PADDED
    return { bytes: frame(DATA, set, id, all), heard: `data ${set} ${id} ${all.length} ${content.toString('hex')}` }
  })

function read(bytes: Buffer, cuts: readonly number[]): readonly string[] {
  const recorder = new Recorder()
  const reader = new FrameReader(recorder, LIMITS)
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  let from = 0
  for (const to of places) {
    // A copy that is spoilt afterwards: what is handed on is not kept by reference.
    const chunk = Buffer.from(bytes.subarray(from, to))
    reader.read(chunk)
    chunk.fill(0xee)
    from = to
  }
  assert.equal(reader.isInside, false)
  return recorder.heard
}

describe('The frame reader', () => {
  test('hears the same frames however the bytes are cut', () => {
    const cuts = fc.array(fc.nat(), { maxLength: 30 })
    fc.assert(
      fc.property(fc.array(fc.oneof(other, data), { maxLength: 8 }), cuts, (sent, places) => {
        const bytes = Buffer.concat(sent.map((one) => one.bytes))
        assert.deepEqual(
          read(bytes, places),
          sent.map((one) => one.heard),
        )
      }),
      { numRuns: 200 },
    )
  })

  test('hears frames that come byte by byte', () => {
    const bytes = Buffer.concat([
      frame(6, 0, 0, Buffer.alloc(8)),
      frame(DATA, PADDED, 1, Buffer.from([2, 7, 0, 0])),
      frame(DATA, 1, 1),
    ])
    assert.deepEqual(read(bytes, [...bytes.keys()]), ['6 0 0 0000000000000000', 'data 8 1 4 07', 'data 1 1 0 '])
  })

  test('refuses frames by their head, in one piece or in several', () => {
    for (const [type, length] of [
      [DATA, LIMITS.data + 1],
      [1, LIMITS.other + 1],
    ] as const) {
      const head = frame(type, 0, 1)
      head.writeUIntBE(length, 0, 3)
      for (const pieces of [[head], [head.subarray(0, 5), head.subarray(5)]]) {
        const reader = new FrameReader(new Recorder(), LIMITS)
        assert.throws(() => pieces.forEach((piece) => reader.read(piece)), { code: 6 })
      }
    }
  })

  test('refuses padding that is not there', () => {
    const reader = () => new FrameReader(new Recorder(), LIMITS)
    assert.throws(() => reader().read(frame(DATA, PADDED, 1)), { code: 6 })
    assert.throws(() => reader().read(frame(DATA, PADDED, 1, Buffer.from([3, 0, 0]))), { code: 1 })
  })
})
