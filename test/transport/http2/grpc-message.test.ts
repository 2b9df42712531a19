import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  decodeGrpcMessage,
  encodeGrpcMessage,
  formatTimeout,
  parseTimeout,
} from '../../../src/transport/http2/grpc-message.ts'

describe('The text of a status', () => {
  test('is printable ASCII, whatever it says, and comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), (text) => {
        const encoded = encodeGrpcMessage(text)
        assert.match(encoded, /^[ -~]*$/)
        assert.equal(decodeGrpcMessage(encoded), text.toWellFormed())
      }),
    )
    assert.equal(encodeGrpcMessage('100 % grüß\n'), '100 %25 gr%C3%BC%C3%9F%0A')
  })

  test('that is no encoding stands for itself', () => {
    assert.equal(decodeGrpcMessage('100 % sure %zz %2'), '100 % sure %zz %2')
  })
})

describe('A timeout', () => {
  test('is read in each of its units', () => {
    const read = ['1H', '2M', '3S', '4m', '5u', '6n', '99999999S'].map(parseTimeout)
    assert.deepEqual(read, [3_600_000, 120_000, 3000, 4, 5e-3, 6e-6, 99_999_999_000])
  })

  test('that is none is none', () => {
    for (const text of ['', 'S', '1', '1s', '-1S', '1.5S', ' 1S', '123456789S', '1SS', '0x1S'])
      assert.equal(parseTimeout(text), undefined, text)
  })

  test('is written in eight digits, and never less than it is', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 3.6e13, noNaN: true }), (timeout) => {
        const read = parseTimeout(formatTimeout(timeout)) as number
        assert.ok(read >= timeout && read <= timeout + Math.max(1, timeout / 1000 + 3_600_000))
      }),
    )
    assert.equal(formatTimeout(1500), '1500m')
  })
})
