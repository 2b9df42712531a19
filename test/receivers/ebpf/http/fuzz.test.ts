import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SOCKET_DATA as AT, SOCKET_DATA_BYTES } from '../../../../src/receivers/ebpf/socket/event.ts'
import { http } from '../../../../src/receivers/ebpf/socket/protocols/http/http.ts'
import { BROKEN, ENDED, type Parser } from '../../../../src/receivers/ebpf/socket/protocol.ts'
import { Transcript } from './transcript.ts'
import { Witness } from './witness.ts'

const RUNS = Number(process.env['TELEGEN_PROPERTY_RUNS'] ?? 300)

const ANY_PIECE = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      'GET / HTTP/1.1\r\n',
      'GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 101 \r\n\r\n',
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 204\n\n',
      'Content-Length: 5\r\n',
      'content-length: 99999999999999999999\r\n',
      'Transfer-Encoding: chunked\r\n\r\n',
      'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n',
      'tracestate: a=1,,,\r\n',
      '\r\n',
      '\n',
      '\r',
      '5\r\nhello\r\n',
      'ffffffff\r\n',
      '0\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\n\r\n',
      'H',
      ':',
      ' ',
    )
    .map((text) => Buffer.from(text)),
)

test('whatever bytes are said, nothing throws, nothing hangs, and no more is kept than there is room for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), ANY_PIECE, fc.boolean()), { maxLength: 60 }),
      fc.constantFrom(10, 300, 4096),
      (calls, headBytes) => {
        const transcript = new Transcript({ headBytes })
        for (const [isIn, bytes, unread] of calls)
          if (isIn) transcript.in(bytes, { unread })
          else transcript.out(bytes, { unread })
        const witness = new Witness({ connections: 64, headers: { request: ['host'], response: ['x'], redact: [] } })
        witness.hear(transcript.closed()).tick().tick(1e15)
        for (const { start, end } of witness.spans) assert.ok(end >= start)
        assert.equal(witness.tracer.connections, 0)
      },
    ),
    { numRuns: RUNS * 3 },
  )
})

test('whatever events come, nothing throws, and connections are bounded', () => {
  const witness = new Witness({ connections: 64 })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(400), (bytes, length) => {
      const event = Buffer.from(bytes)
      witness.tracer.event(event, 0, Math.min(length, event.length))
    }),
    { numRuns: RUNS * 3 },
  )
  const whole = new Transcript()
    .in('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    .out('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  const flips = fc.array(fc.tuple(fc.nat(SOCKET_DATA_BYTES + 40), fc.nat(255)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1), flips), { maxLength: 30 }), (changes) => {
      for (const [index, changed] of changes) {
        const event = Buffer.from(whole.events[index]!)
        for (const [at, value] of changed) if (at >= AT.connection && at < event.length) event[at] = value
        witness.tracer.event(event, 0, event.length)
      }
      witness.tick(2e6)
      assert.ok(witness.tracer.connections <= 64)
    }),
    { numRuns: RUNS },
  )
  assert.ok((witness.drops.get('malformed') ?? 0) > 0)
})

test('a parser goes forward with every call, or says that it cannot', () => {
  const protocol = http({ requestHeaders: [], answerHeaders: [], userAgent: true, query: true })
  const parsers = (): Parser<unknown, never>[] => [protocol.request(), protocol.response()] as Parser<unknown, never>[]
  fc.assert(
    fc.property(fc.array(ANY_PIECE, { maxLength: 40 }), fc.infiniteStream(fc.nat(9)), (parts, skips) => {
      for (const parser of parsers())
        for (const bytes of parts) {
          const gap = skips.next().value === 0 ? 7 : 0
          if (gap > 0 && parser.message !== undefined) assert.ok(parser.skip(gap, undefined) >= 0)
          for (let at = 0; at < bytes.length;) {
            const next = parser.read(bytes, at, bytes.length, undefined)
            assert.ok(next <= bytes.length)
            if (parser.state === ENDED || parser.state === BROKEN) parser.reset()
            if (next <= at) break
            at = next
          }
        }
    }),
    { numRuns: RUNS },
  )
})

test('heads that never end, a byte at a time, cost what they are long', () => {
  const witness = new Witness()
  const transcript = new Transcript({ headBytes: 60_000 }).in('GET / HTTP/1.1\r\n')
  for (let index = 0; index < 40_000; index++) transcript.in('a')
  const began = process.cpuUsage()
  witness.hear(transcript)
  const { user } = process.cpuUsage(began)
  assert.ok(user < 3e6, `${user} us`)
})
