import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { BadAnswer } from '../../src/transport/http-answer-head.ts'
import { ANSWER_LIMIT, AnswerReader } from '../../src/transport/http-answer-reader.ts'

/** Reads `text` in pieces that end at `cuts`; the reader borrows one buffer for all of them. */
function read(text: string, cuts: readonly number[] = []) {
  const reader = new AnswerReader()
  const bytes = Buffer.from(text, 'latin1')
  const borrowed = Buffer.alloc(bytes.length)
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1))), bytes.length].toSorted((a, b) => a - b)
  let [start, taken] = [0, 0]
  for (const end of ends) {
    bytes.copy(borrowed, 0, start, end)
    taken += reader.read(borrowed, end - start)
    start = end
  }
  borrowed.fill(0)
  return { reader, taken }
}

const OK = 'HTTP/1.1 200 OK\r\n'
const COMPLETE: Readonly<Record<string, readonly [text: string, body: string]>> = {
  'with a length': [`${OK}Content-Length: 5\r\nX: a\r\nx: b\r\n\r\nhello`, 'hello'],
  'without a body': [`${OK}Content-Length: 0\r\n\r\n`, ''],
  'with the same length twice': [`${OK}Content-Length: 2, 2\r\n\r\nab`, 'ab'],
  'of status 204': ['HTTP/1.1 204 No Content\r\n\r\n', ''],
  'in chunks': [
    `${OK}Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n`,
    'abc0123456789',
  ],
  'after informational ones': [`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}Content-Length: 1\r\n\r\nz`, 'z'],
}

describe('Answers of HTTP', () => {
  for (const [how, [text, body]] of Object.entries(COMPLETE))
    test(`${how} are read alike in any pieces, and no byte behind them`, () => {
      fc.assert(
        fc.property(fc.array(fc.nat(1000), { maxLength: 12 }), (cuts) => {
          const { reader, taken } = read(text, cuts)
          assert.deepEqual([reader.isComplete, taken, reader.take().body.toString()], [true, text.length, body])
          assert.equal(read(`${text}HTTP/1.1`, cuts).taken, text.length)
        }),
        { numRuns: 60 },
      )
    })

  test('follow one another on a connection', () => {
    const { reader } = read(COMPLETE['with a length']![0])
    assert.deepEqual(Object.fromEntries(reader.take().headers), { 'content-length': '5', x: 'a, b' })
    const next = Buffer.from('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n')
    assert.equal(reader.read(next, next.length), next.length)
    assert.deepEqual([reader.take().status, reader.head.headers.get('retry-after')], [503, '7'])
  })

  test('without a length end with the connection', () => {
    const { reader } = read(`${OK}\r\nsome`)
    assert.equal(reader.isComplete, false)
    assert.equal(reader.end(), true)
    assert.deepEqual([reader.head.isKept, reader.take().body.toString()], [false, 'some'])
    assert.equal(read(`${OK}Content-Length: 5\r\n\r\nhell`).reader.end(), false)
  })

  test('say whether the connection goes on, and for how long', () => {
    const of = (head: string) => read(`${head}\r\nContent-Length: 0\r\n\r\n`).reader.head
    assert.deepEqual([of('HTTP/1.1 200 OK').isKept, of('HTTP/1.1 200 OK').idle], [true, undefined])
    assert.equal(of('HTTP/1.1 200 OK\r\nConnection: x, Close').isKept, false)
    assert.equal(of('HTTP/1.0 200 OK').isKept, false)
    assert.equal(of('HTTP/1.0 200 OK\r\nConnection: keep-alive').isKept, true)
    assert.equal(of('HTTP/1.1 200 OK\r\nKeep-Alive: max=7, timeout=5').idle, 5000)
  })

  test('are read up to a limit', () => {
    const { reader } = read(`${OK}Content-Length: 1000000\r\n\r\n${'x'.repeat(ANSWER_LIMIT + 1)}`)
    assert.deepEqual([reader.isComplete, reader.isCut, reader.take().body.length], [true, true, ANSWER_LIMIT])
  })

  for (const [what, text] of Object.entries({
    'no status line': 'SSH-2.0-OpenSSH\r\n\r\n',
    'a switch to another protocol': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'a folded header': `${OK}A: b\r\n c\r\n\r\n`,
    'a blank before the colon': `${OK}A : b\r\n\r\n`,
    'a bare line feed in a header': `${OK}A: b\nContent-Length: 5\r\n\r\n`,
    'two lengths': `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    'a negative length': `${OK}Content-Length: -1\r\n\r\n`,
    'a length and chunks': `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'a transfer encoding that is not asked for': `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    'a chunk without a length': `${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
    'a chunk longer than it says': `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`,
    'a chunk of more than can be': `${OK}Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n`,
    'headers without an end': `${OK}${'A: b\r\n'.repeat(10_000)}`,
    'trailers without an end': `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${'A: b\r\n'.repeat(10_000)}`,
    'a line of a chunk without an end': `${OK}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(5000)}`,
    'informational answers without an end': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(50),
  }))
    test(`with ${what} are none, in any pieces`, () => {
      assert.throws(() => read(text), BadAnswer)
      assert.throws(() => read(text, [1, 7, 20, 33, 64, 70, 300]), BadAnswer)
    })

  test('that are mutated end in an answer, in waiting or in that error', () => {
    const text = COMPLETE['in chunks']![0]
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), fc.array(fc.nat(200), { maxLength: 5 }), (at, byte, cuts) => {
        try {
          const { reader } = read(text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1), cuts)
          if (reader.isComplete) assert.ok(reader.take().body.length <= text.length)
        } catch (error) {
          assert.ok(error instanceof BadAnswer, String(error))
        }
      }),
      { numRuns: 500 },
    )
  })
})
