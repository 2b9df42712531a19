import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parsePlainPost } from '../../src/transport/http-request-head.ts'

const PLAIN = ['POST /v1/traces?key=1 HTTP/1.1', 'Host: x:4318', 'Content-Length: 12', 'User-Agent: OTel (linux; x)']

describe('The head of a plain POST', () => {
  test('is read', () => {
    const head = parsePlainPost(PLAIN.join('\r\n'))
    assert.deepEqual(head && { ...head, headers: { ...head.headers } }, {
      path: '/v1/traces',
      query: 'key=1',
      headers: { host: 'x:4318', 'content-length': '12', 'user-agent': 'OTel (linux; x)' },
      length: 12,
    })
    assert.ok(parsePlainPost([...PLAIN, 'Connection: Keep-Alive'].join('\r\n')))
  })

  for (const [what, ...lines] of [
    ['another method', 'GET / HTTP/1.1', 'Host: x', 'Content-Length: 0'],
    ['another version', 'POST / HTTP/1.0', 'Host: x', 'Content-Length: 0'],
    ['a whole URL', 'POST http://x/ HTTP/1.1', 'Host: x', 'Content-Length: 0'],
    ['a character that no path has', 'POST /\u00e9 HTTP/1.1', 'Host: x', 'Content-Length: 0'],
    ['no host', 'POST / HTTP/1.1', 'Content-Length: 0'],
    ['no length', 'POST / HTTP/1.1', 'Host: x'],
    ['two lengths', ...PLAIN, 'Content-Length: 12'],
    ['a length with a sign', 'POST / HTTP/1.1', 'Host: x', 'Content-Length: +1'],
    ['a length in another way', 'POST / HTTP/1.1', 'Host: x', 'Content-Length: 01'],
    ['a list of lengths', 'POST / HTTP/1.1', 'Host: x', 'Content-Length: 1, 1'],
    ['a length beyond counting', 'POST / HTTP/1.1', 'Host: x', 'Content-Length: 9999999999999999'],
    ['chunks', ...PLAIN, 'Transfer-Encoding: chunked'],
    ['a question before the body', ...PLAIN, 'Expect: 100-continue'],
    ['another protocol', ...PLAIN, 'Connection: Upgrade', 'Upgrade: h2c'],
    ['the end of the connection', ...PLAIN, 'Connection: close'],
    ['a header twice', ...PLAIN, 'X: a', 'x: b'],
    ['a folded header', ...PLAIN, 'X: a', ' b'],
    ['a blank before the colon', ...PLAIN, 'X : a'],
    ['no blank behind the colon', ...PLAIN, 'X:a'],
    ['a bare line feed', ...PLAIN, 'X: a\nTransfer-Encoding: chunked'],
    ['a bare carriage return', ...PLAIN, 'X: a\rb'],
    ['a NUL', ...PLAIN, 'X: a\0b'],
    ['a byte beyond ASCII', ...PLAIN, 'X: \u00e9'],
    ['a header of the prototype', ...PLAIN, '__proto__: a', 'constructor: b'],
    ['too many headers', ...PLAIN, ...Array.from({ length: 100 }, (_, at) => `X${at}: a`)],
  ] as const)
    test(`is left to node:http with ${what}`, () => assert.equal(parsePlainPost(lines.join('\r\n')), undefined))
})
