import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { http } from '../../../../src/receivers/ebpf/socket/protocols/http/http.ts'
import {
  KNOWN_BYTES_LEAST,
  KNOWN_BYTES_MOST,
  KnownLines,
} from '../../../../src/receivers/ebpf/socket/protocols/http/known-lines.ts'
import type { Parser } from '../../../../src/receivers/ebpf/socket/protocol.ts'
import type { HttpRequest } from '../../../../src/receivers/ebpf/socket/protocols/http/message.ts'

const RUNS = Number(process.env['TELEGEN_PROPERTY_RUNS'] ?? 300)
/** So often a line must be missed before it is known. */
const OFTEN = 8

function teach(lines: KnownLines<string>, line: Buffer): void {
  for (let time = 0; time < OFTEN; time++)
    if (lines.find(line, 0, line.length) === 0) lines.learn(line, 0, line.length, line.toString('latin1'))
}

const text = fc
  .string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 140 })
  .map((letters) => Buffer.from(`${letters}\r\n`))

test('a line is known by all of its bytes: with any of them changed, or cut, it is not', () => {
  fc.assert(
    fc.property(text, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(9), (line, which, change, shift) => {
      const lines = new KnownLines<string>()
      teach(lines, line)
      const placed = Buffer.concat([Buffer.alloc(shift, 0x41), line, Buffer.alloc(30, 0x42)])
      const isKnown = line.length >= KNOWN_BYTES_LEAST && line.length <= KNOWN_BYTES_MOST
      const found = lines.find(line, 0, line.length)
      assert.equal(found, isKnown ? line.length : 0)
      if (isKnown) assert.equal(lines.said, line.toString('latin1'))
      assert.equal(lines.find(placed, shift, shift + line.length - 1), 0)
      const at = which % line.length
      line[at] = line[at]! ^ change
      assert.equal(lines.find(line, 0, line.length), 0)
    }),
    { numRuns: RUNS * 3 },
  )
})

test('what holds anything but text, or ends with a line feed alone, is read each time', () => {
  for (const line of [
    'Accept: text/plain\n',
    'Accept:\ttext/plain\r\n',
    'Accept: \u00e4\u00f6\u00fc 123456\r\n',
    `Accept: ${'\0'.repeat(40)}\r\n`,
  ]) {
    const bytes = Buffer.from(line, 'latin1')
    const lines = new KnownLines<string>()
    teach(lines, bytes)
    assert.equal(lines.find(bytes, 0, bytes.length), 0, JSON.stringify(line))
  }
})

const FIRST = fc.constantFrom(
  'GET /cart HTTP/1.1',
  'GET /cart?color=red HTTP/1.1',
  'POST /api/v1/users/42#top HTTP/1.0',
  'GET http://shop.example/a/b HTTP/1.1',
  'CONNECT shop.example:443 HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'BREW /pot/of/coffee HTTP/1.1',
  'GET /cart HTTP/2.0',
  'HTTP/1.1 200 OK',
  'HTTP/1.0 404 Not Found',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 2000 Too Many',
  'HTTP/1.1 101 Switching Protocols',
)
const LINE = fc.oneof(
  fc.constantFrom(
    'Host: shop.example',
    'HOST: 10.0.0.7:8080',
    'Host:\tshop.example ',
    'User-Agent: curl/8.5.0',
    'Content-Length: 27',
    'Content-Length: 28',
    'content-length:    5',
    'Content-Length: many',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, gzip',
    'X-Tenant: blue-and-green',
    'X-Tenant: blue-and-greem',
    'Authorization: Bearer 123456789',
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-ffffffff00000001-00',
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0A',
    'traceparent: 01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'TraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'traceparent:  00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01',
    'traceparent: 00-0af7651916cd43dd\r\nHost: b\r\n02cc: b7ad6b7169203331-01aa',
    'tracestate: vendor=value,other=one',
    'Accept: */*',
    `Cookie: ${'a=b; '.repeat(30)}`,
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 40 }),
)
const END = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r')
const HEAD = fc
  .tuple(FIRST, END, fc.array(fc.tuple(LINE, END), { maxLength: 8 }), END)
  .map(([first, end, lines, last]) => `${first}${end}${lines.map(([line, stop]) => line + stop).join('')}${last}`)

const protocol = (...more: readonly string[]) =>
  http({
    requestHeaders: [
      ...more.map((name) => ({ name, attribute: name, isRedacted: false })),
      { name: 'x-tenant', attribute: 'tenant', isRedacted: false },
      { name: 'host', attribute: 'host', isRedacted: false },
      { name: 'authorization', attribute: 'authorization', isRedacted: true },
    ],
    answerHeaders: [{ name: 'content-length', attribute: 'length', isRedacted: false }],
    userAgent: true,
    query: true,
  })

/** All that a parser says of some bytes, which come in two pieces. */
function reading<M>(parser: Parser<M, never>, bytes: Buffer, cut: number) {
  parser.reset()
  const stopped = parser.read(bytes, 0, cut, undefined)
  const end = stopped < cut ? stopped : parser.read(bytes, cut, bytes.length, undefined)
  if (parser.message === undefined) parser.skip(1, undefined)
  return { stopped, end, state: parser.state, message: parser.message }
}

test('a parser that has read much says of every head what one says that has read nothing', () => {
  const old = protocol()
  const seasoned = [old.request(), old.response()] as Parser<unknown, never>[]
  fc.assert(
    fc.property(HEAD, fc.nat(400), fc.nat(20), (head, cut, behind) => {
      const bytes = Buffer.from(head + 'x'.repeat(behind), 'latin1')
      const first = Math.min(cut, bytes.length)
      const young = protocol()
      for (const [index, parser] of ([young.request(), young.response()] as Parser<unknown, never>[]).entries())
        for (let time = 0; time < 2; time++)
          assert.deepEqual(reading(seasoned[index]!, bytes, first), reading(parser, bytes, first), head)
    }),
    { numRuns: RUNS * 10 },
  )
})

test('a `traceparent` is understood alike whether or not somebody wants to see it', () => {
  const read = protocol().request() as Parser<HttpRequest, never>
  const shown = protocol('traceparent').request() as Parser<HttpRequest, never>
  let understood = 0
  fc.assert(
    fc.property(HEAD, fc.nat(400), (head, cut) => {
      const bytes = Buffer.from(head, 'latin1')
      const first = Math.min(cut, bytes.length)
      const [one, other] = [reading(read, bytes, first), reading(shown, bytes, first)]
      assert.deepEqual(withoutCaptured(one), withoutCaptured(other), head)
      if (one.message?.traceParent) understood++
    }),
    { numRuns: RUNS * 10 },
  )
  assert.ok(understood > RUNS / 10, `${understood} heads had one`)
})

const withoutCaptured = (said: { readonly message: HttpRequest | undefined }) => ({
  ...said,
  message: said.message && { ...said.message, captured: undefined },
})
