import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { partialSuccess } from '../../src/transport/partial-success.ts'
import { decodeRpcStatus, encodeRpcStatus, parseRpcStatusJson, rpcStatusJson } from '../../src/transport/rpc-status.ts'

/** googleapis' own definitions, read by protobuf.js: an independent codec. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Partial { int64 rejected = 1; string error_message = 2; }
  message Response { Partial partial_success = 1; }
`)
const type = (name: string) => root.lookupType(name)
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'
const anyStatus = fc.record({
  code: fc.integer({ min: 0, max: 16 }),
  message: fc.string({ unit: 'grapheme', maxLength: 50 }),
  retryDelay: fc.option(fc.integer({ min: 0, max: 10_000_000 }), { nil: undefined }),
})

describe('google.rpc.Status', () => {
  test('what is written, protobuf.js reads', () => {
    fc.assert(
      fc.property(anyStatus, (status) => {
        const message = type('Status').decode(encodeRpcStatus(status)) as never as {
          code: number
          message: string
          details: { typeUrl: string; value: Uint8Array }[]
        }
        assert.equal(message.code, status.code)
        assert.equal(message.message, status.message)
        if (status.retryDelay === undefined) return assert.equal(message.details.length, 0)
        const [any] = message.details
        assert.equal(any!.typeUrl, RETRY_INFO)
        const info = type('RetryInfo').toObject(type('RetryInfo').decode(any!.value), { longs: Number, defaults: true })
        const { seconds, nanos } = info['retryDelay'] as { seconds: number; nanos: number }
        assert.equal(seconds * 1000 + nanos / 1e6, status.retryDelay)
      }),
    )
  })

  test('what protobuf.js writes, is read', () => {
    const value = type('RetryInfo')
      .encode({ retryDelay: { seconds: 3, nanos: 250_000_000 } })
      .finish()
    const details = [
      { typeUrl: 'type.googleapis.com/google.rpc.DebugInfo', value: Buffer.from([1, 2, 3]) },
      { typeUrl: RETRY_INFO, value },
    ]
    const bytes = type('Status').encode({ code: 8, message: 'grüß', details }).finish()
    assert.deepEqual(decodeRpcStatus(Buffer.from(bytes)), { code: 8, message: 'grüß', retryDelay: 3250 })
  })

  test('reads back what it wrote, in both encodings', () => {
    fc.assert(
      fc.property(anyStatus, (status) => {
        assert.deepEqual(decodeRpcStatus(encodeRpcStatus(status)), { ...status })
        assert.deepEqual(parseRpcStatusJson(rpcStatusJson(status)), { ...status })
      }),
    )
  })

  test('bytes that are no status say nothing and throw nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decodeRpcStatus(Buffer.from(bytes))))
    assert.equal(decodeRpcStatus(Buffer.from([0x12, 0xff])), undefined)
    for (const text of ['', 'null', '[]', '{}', '<html>', '{"message":1}'])
      assert.equal(parseRpcStatusJson(text), undefined)
  })

  test('a negative delay means none', () => {
    const value = type('RetryInfo')
      .encode({ retryDelay: { seconds: -5 } })
      .finish()
    const bytes = type('Status')
      .encode({ code: 8, details: [{ typeUrl: RETRY_INFO, value }] })
      .finish()
    assert.equal(decodeRpcStatus(Buffer.from(bytes))?.retryDelay, 0)
  })
})

describe('A partial success', () => {
  const response = (partialSuccess: object) => Buffer.from(type('Response').encode({ partialSuccess }).finish())

  test('is read from a response of any signal', () => {
    assert.deepEqual(partialSuccess(response({ rejected: 3, errorMessage: 'too old' })), {
      rejected: 3,
      reason: 'too old',
    })
  })

  test('without rejected records is a warning', () => {
    assert.deepEqual(partialSuccess(response({ errorMessage: 'slow down' })), { rejected: 0, reason: 'slow down' })
  })

  test('is none where the response is empty, full success, or unreadable', () => {
    assert.equal(partialSuccess(Buffer.alloc(0)), undefined)
    assert.equal(partialSuccess(response({})), undefined)
    assert.equal(partialSuccess(Buffer.from('nonsense')), undefined)
  })
})
