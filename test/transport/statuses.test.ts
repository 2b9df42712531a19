import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Refused } from '../../src/component/refused.ts'
import type { RefusalCode, Retry } from '../../src/component/refused.ts'
import { parseRetryAfter, retryAfter } from '../../src/transport/retry-after.ts'
import { encodeRpcStatus } from '../../src/transport/rpc-status.ts'
import { answerTo, refusalOfGrpc, refusalOfHttp } from '../../src/transport/statuses.ts'

const CODES: readonly RefusalCode[] = [
  'cancelled', 'unknown', 'invalid_argument', 'deadline_exceeded', 'not_found', 'already_exists', 'permission_denied',
  'resource_exhausted', 'failed_precondition', 'aborted', 'out_of_range', 'unimplemented', 'internal', 'unavailable',
  'data_loss', 'unauthenticated',
] // prettier-ignore

const anyRefused = fc
  .record({
    code: fc.constantFrom(...CODES),
    retry: fc.oneof(
      fc.constant<Retry>('never'),
      fc.constant<Retry>({}),
      fc.integer({ min: 0, max: 3_600_000 }).map((after): Retry => ({ after })),
    ),
    message: fc.string({ maxLength: 40 }),
  })
  .map(({ message, ...options }) => new Refused(message, options))

describe('The table of statuses', () => {
  test('a refusal keeps its verdict and its delay over gRPC', () => {
    fc.assert(
      fc.property(anyRefused, (refused) => {
        const { grpc, message, after } = answerTo(refused)
        const details = after === undefined ? undefined : encodeRpcStatus({ code: grpc, message, retryDelay: after })
        const back = refusalOfGrpc(grpc, message, details)
        assert.equal(back.retryable, refused.retryable)
        const asked = refused.retry === 'never' ? undefined : refused.retry.after
        if (asked !== undefined && back.retry !== 'never') assert.equal(back.retry.after, asked)
      }),
    )
  })

  test('a refusal keeps its verdict over HTTP, and its delay in whole seconds, rounded up', () => {
    fc.assert(
      fc.property(anyRefused, (refused) => {
        const { http, message, after } = answerTo(refused)
        const header = after === undefined ? undefined : retryAfter(after)
        const back = refusalOfHttp(http, message, parseRetryAfter(header))
        assert.equal(back.retryable, refused.retryable)
        if (refused.retry === 'never' || back.retry === 'never' || refused.retry.after === undefined) return
        assert.ok(back.retry.after! >= refused.retry.after && back.retry.after! <= refused.retry.after + 1000)
      }),
    )
  })

  test('HTTP statuses are the ones that the Collector answers', () => {
    const never: Record<string, number> = {
      invalid_argument: 400, unauthenticated: 401, permission_denied: 403, unimplemented: 404, resource_exhausted: 413,
      internal: 500, unknown: 500, not_found: 500,
    } // prettier-ignore
    for (const [code, http] of Object.entries(never))
      assert.equal(answerTo(new Refused('', { code: code as RefusalCode, retry: 'never' })).http, http, code)
    const again: Record<string, number> = {
      cancelled: 503, deadline_exceeded: 503, aborted: 503, out_of_range: 503, unavailable: 503, data_loss: 503, resource_exhausted: 429,
    } // prettier-ignore
    for (const [code, http] of Object.entries(again))
      assert.equal(answerTo(new Refused('', { code: code as RefusalCode, retry: {} })).http, http, code)
  })

  test('RESOURCE_EXHAUSTED is tried again only with RetryInfo', () => {
    assert.equal(refusalOfGrpc(8, 'full').retry, 'never')
    const details = encodeRpcStatus({ code: 8, message: 'full', retryDelay: 1500 })
    assert.deepEqual(refusalOfGrpc(8, 'full', details).retry, { after: 1500 })
  })

  test('a full gate always says when to come again, as clients would give up otherwise', () => {
    assert.ok(answerTo(new Refused('full', { code: 'resource_exhausted', retry: {} })).after! > 0)
  })

  test('a status that no table knows is permanent', () => {
    assert.equal(refusalOfGrpc(99, 'what').retry, 'never')
    for (const status of [301, 402, 405, 415, 418, 501, 505]) assert.equal(refusalOfHttp(status, '').retry, 'never')
  })

  test('Retry-After is heeded on 429 and 503 alone', () => {
    assert.deepEqual(refusalOfHttp(429, '', 7000).retry, { after: 7000 })
    assert.deepEqual(refusalOfHttp(503, '', 7000).retry, { after: 7000 })
    assert.deepEqual(refusalOfHttp(502, '', 7000).retry, {})
    assert.equal(refusalOfHttp(400, '', 7000).retry, 'never')
  })
})

describe('Retry-After', () => {
  const now = Date.parse('Sun, 06 Nov 1994 08:49:37 GMT')

  test('reads whole seconds and HTTP dates', () => {
    assert.equal(parseRetryAfter('120', now), 120_000)
    assert.equal(parseRetryAfter(' 0 ', now), 0)
    assert.equal(parseRetryAfter('Sun, 06 Nov 1994 08:50:37 GMT', now), 60_000)
    assert.equal(parseRetryAfter('Sunday, 06-Nov-94 08:50:37 GMT', now), 60_000)
  })

  test('a date in the past means now', () => {
    assert.equal(parseRetryAfter('Sun, 06 Nov 1994 08:00:00 GMT', now), 0)
  })

  test('anything else says nothing', () => {
    for (const text of ['', '-1', '1.5', 'soon', '2026', 'Sun, never', '1e3', undefined].filter(
      (each) => each !== '2026',
    ))
      assert.equal(parseRetryAfter(text, now), undefined, text)
  })

  test('an absurd wait is cut to a day', () => {
    assert.equal(parseRetryAfter('999999999999', now), 86_400_000)
    assert.equal(parseRetryAfter('Fri, 31 Dec 9999 23:59:59 GMT', now), 86_400_000)
  })
})
