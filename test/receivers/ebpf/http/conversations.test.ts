import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HttpTracerOptions } from '../../../../src/receivers/ebpf/tracers/http/options.ts'
import { Transcript } from './transcript.ts'
import { Witness } from './witness.ts'

const RUNS = Number(process.env['TELEGEN_PROPERTY_RUNS'] ?? 300)

type Framing = 'none' | 'length' | 'chunked'

interface Turn {
  readonly method: 'GET' | 'POST' | 'HEAD' | 'DELETE'
  readonly requestFraming: Framing
  readonly requestBytes: number
  readonly answerFraming: Framing
  readonly answerBytes: number
  readonly isInterim: boolean
}

const framing = fc.constantFrom<Framing>('none', 'length', 'chunked')
const turn: fc.Arbitrary<Turn> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE'),
  requestFraming: framing,
  requestBytes: fc.integer({ min: 0, max: 3000 }),
  answerFraming: framing,
  answerBytes: fc.integer({ min: 0, max: 3000 }),
  isInterim: fc.boolean(),
})
/** Turns that are asked for at once, one batch after the other. */
const conversation = (most: number): fc.Arbitrary<Turn[][]> =>
  fc.array(fc.array(turn, { minLength: 1, maxLength: most }), { minLength: 1, maxLength: 5 })
const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 1500 }))
const side = fc.constantFrom<'server' | 'client'>('server', 'client')

const statusOf = (number: number): number => 200 + ((number * 7) % 4 === 3 ? 204 : (number * 7) % 300)
const hasBody = ({ method }: Turn, status: number): boolean => method !== 'HEAD' && status !== 204 && status !== 304

function body(framing: Framing, bytes: number): { header: string; text: string } {
  // Looks like what must not be taken for anything but content; only the last chunk itself would be, where chunks were not seen.
  const text = 'HTTP/1.1 200 OK\r\n\r\nGET / HTTP/1.1\n0\r\n'.repeat(80).slice(0, bytes)
  switch (framing) {
    case 'none':
      return { header: '', text: '' }
    case 'length':
      return { header: `Content-Length: ${text.length}\r\n`, text }
    case 'chunked': {
      const parts = text.match(/[^]{1,700}/g) ?? []
      const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
      return { header: 'Transfer-Encoding: chunked\r\n', text: `${chunks.join('')}0\r\n\r\n` }
    }
  }
}

function request(turn: Turn, number: number): string {
  const { header, text } = body(turn.requestFraming, turn.requestBytes)
  return `${turn.method} /r${number} HTTP/1.1\r\nHost: a\r\nX-Number: ${number}\r\n${header}\r\n${text}`
}

function answer(turn: Turn, number: number): string {
  const status = statusOf(number)
  const framing = turn.answerFraming === 'none' ? 'length' : turn.answerFraming
  const { header, text } = body(framing, turn.answerFraming === 'none' ? 0 : turn.answerBytes)
  const interim = turn.isInterim ? 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n' : ''
  const content = hasBody(turn, status) ? text : ''
  return `${interim}HTTP/1.1 ${status} Status\r\nX-Number: ${number}\r\n${header}\r\n${content}`
}

/** Moves a text in calls of the sizes that the stream says. */
function pieces(text: string, sizes: Iterator<number>, move: (piece: string) => void): void {
  for (let at = 0; at < text.length;) {
    const size = sizes.next().value as number
    move(text.slice(at, at + size))
    at += size
  }
}

interface Told {
  readonly transcript: Transcript
  /** `METHOD /path status start end`, as a span has them. */
  readonly oracle: string[]
}

function tell(batches: readonly Turn[][], at: 'server' | 'client', sizes: Iterator<number>, headBytes: number): Told {
  const transcript = new Transcript({ remote: [10, 0, 0, 9], headBytes })
  const oracle: string[] = []
  const asks = (piece: string): unknown => (at === 'server' ? transcript.in(piece) : transcript.out(piece))
  const answers = (piece: string): unknown => (at === 'server' ? transcript.out(piece) : transcript.in(piece))
  let number = 0
  for (const batch of batches) {
    const first = number
    pieces(batch.map((turn, index) => request(turn, first + index)).join(''), sizes, asks)
    for (const [index, turn] of batch.entries()) {
      const status = statusOf(first + index)
      oracle.push(`${turn.method} /r${first + index} ${status} ${first + index}`)
    }
    pieces(batch.map((turn, index) => answer(turn, first + index)).join(''), sizes, answers)
    number += batch.length
  }
  return { transcript: transcript.closed(), oracle }
}

const OPTIONS: Partial<HttpTracerOptions> = {
  path: 'full',
  route_variants: 4096,
  headers: { request: ['x-number'], response: ['x-number'], redact: [] },
}

function spansOf(witness: Witness): string[] {
  return witness.spans.map(({ attributes, name }) => {
    const asked = attributes!['http.request.header.x-number'] as string[] | undefined
    const answered = attributes!['http.response.header.x-number'] as string[] | undefined
    assert.deepEqual(asked, answered, 'an answer was paired with another request')
    return `${name} ${attributes!['http.response.status_code'] as number} ${answered?.[0]}`
  })
}

test('whatever is asked at once and however it is cut up, spans are what was said, where all heads were captured', () => {
  fc.assert(
    fc.property(conversation(4), side, cuts, (batches, at, sizes) => {
      const { transcript, oracle } = tell(batches, at, sizes[Symbol.iterator](), 60_000)
      const witness = new Witness(OPTIONS).hear(transcript).tick()
      assert.deepEqual(spansOf(witness), oracle)
      assert.deepEqual([...witness.drops], [])
    }),
    { numRuns: RUNS },
  )
})

test('and where a client waits for its answers, with the first KiB of each message', () => {
  fc.assert(
    fc.property(conversation(1), side, cuts, (batches, at, sizes) => {
      const { transcript, oracle } = tell(batches, at, sizes[Symbol.iterator](), 1024)
      const witness = new Witness(OPTIONS).hear(transcript).tick()
      assert.deepEqual(spansOf(witness), oracle)
      assert.deepEqual([...witness.drops], [])
    }),
    { numRuns: RUNS },
  )
})

test('a span covers its exchange: from the first event of the request to the last of the answer', () => {
  fc.assert(
    fc.property(conversation(1), cuts, (batches, sizes) => {
      const iterator = sizes[Symbol.iterator]()
      const transcript = new Transcript({ remote: [10, 0, 0, 9] })
      const times: string[] = []
      for (const [number, [turn]] of batches.entries()) {
        let start = 0
        pieces(request(turn!, number), iterator, (piece) => (transcript.in(piece), (start ||= transcript.time)))
        pieces(answer(turn!, number), iterator, (piece) => transcript.out(piece))
        times.push(`${start} ${transcript.time}`)
      }
      const witness = new Witness(OPTIONS).hear(transcript.closed()).tick()
      assert.deepEqual(
        witness.spans.map(({ start, end }) => `${start} ${end}`),
        times,
      )
    }),
    { numRuns: RUNS },
  )
})

test('with events lost and heads not captured there are fewer spans, and none is wrong', () => {
  let told = 0
  fc.assert(
    fc.property(
      conversation(3),
      side,
      cuts,
      fc.constantFrom(64, 300, 1024, 60_000),
      fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
      (batches, at, sizes, headBytes, losses) => {
        const { transcript, oracle } = tell(batches, at, sizes[Symbol.iterator](), headBytes)
        const kept = transcript.events.filter(() => losses.next().value !== 0)
        const witness = new Witness(OPTIONS).events(kept).tick().tick(1e12)
        const known = new Set(oracle)
        for (const span of witness.spans) {
          const { attributes, name } = span
          const asked = attributes!['http.request.header.x-number'] as string[] | undefined
          const answered = attributes!['http.response.header.x-number'] as string[] | undefined
          const status = attributes!['http.response.status_code']
          if (status === undefined) continue
          if (asked && answered) assert.deepEqual(asked, answered)
          const number = asked?.[0] ?? /\d+$/.exec((attributes!['url.path'] ?? '') as string)?.[0] ?? answered?.[0]
          assert.equal(status, statusOf(Number(number)), `${name}: the status of another request`)
          if (asked && answered) assert.ok(known.has(`${name} ${String(status)} ${number}`))
          told++
        }
      },
    ),
    { numRuns: RUNS * 2 },
  )
  assert.ok(told > RUNS, `${told} spans are too few to have shown anything`)
})
