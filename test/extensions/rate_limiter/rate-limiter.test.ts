import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import definition from '../../../src/extensions/rate_limiter/index.ts'
import { rateLimiter } from '../../../src/extensions/rate_limiter/rate-limiter.ts'
import type { AuthenticationData, Host, Refused, RequestLimiter, Sender } from '../../../src/plugin.ts'
import { answerTo } from '../../../src/plugin.ts'
import { TestContext } from '../../component/test-context.ts'
import { configured, faultsOf } from '../../transport/configured.ts'

function made(yaml: string) {
  const host: Host = { ready: true, startTime: 0, statuses: () => [] }
  const context = Object.assign(new TestContext('rate_limiter', configured(definition, yaml)), { host })
  const limiter = rateLimiter(context).offers?.[0]?.implementation as RequestLimiter
  const asked = (sender: Sender): number | undefined => {
    const refused = limiter.refuse(sender)
    return refused && (refused.retry as { after: number }).after
  }
  return { context, limiter, asked, clock: context.clock }
}

const from = (tenant: string, auth?: AuthenticationData): Sender => ({
  metadata: new Map([['x-tenant', [tenant]]]),
  peer: '192.0.2.1:5000',
  auth,
})

describe('rate_limiter', () => {
  test('lets in a burst of requests, then as many as the rate gives, and tells the wait that is left', async () => {
    const { asked, clock } = made('requests: { rate: 2, burst: 3 }')
    for (let at = 0; at < 3; at++) assert.equal(asked(from('a')), undefined)
    assert.equal(asked(from('a')), 500)
    await clock.advance(200)
    assert.equal(asked(from('b')), 300)
    await clock.advance(300)
    assert.equal(asked(from('a')), undefined)
    assert.equal(asked(from('a')), 500)
  })

  test('refuses in words that OTLP clients retry on, with the wait, and counts it by limit', () => {
    const { limiter, context } = made('requests: { rate: 0.1, burst: 1 }')
    limiter.refuse(from('a'))
    const refused = limiter.refuse(from('a')) as Refused
    assert.deepEqual(answerTo(refused), {
      code: 'resource_exhausted',
      grpc: 8,
      http: 429,
      message: 'the limit on requests is reached',
      after: 10_000,
    })
    assert.equal(context.counts.get('telegen.rate_limiter.refused.requests'), 1)
  })

  test('takes what a request weighs off after it was let in: the next waits until the debt is paid', async () => {
    const { limiter, asked, clock } = made('bytes: { rate: 1000, burst: 500 }\nitems: { rate: 10 }')
    assert.equal(asked(from('a')), undefined)
    limiter.took(from('a'), { bytes: 2500 })
    limiter.took(from('a'), { items: 5 })
    assert.equal(asked(from('a')), 2000)
    await clock.advance(1999)
    assert.equal(asked(from('a')), 1)
    await clock.advance(1)
    assert.equal(asked(from('a')), undefined)
    limiter.took(from('a'), { items: 110 })
    assert.equal(asked(from('a')), 10_000)
  })

  test('tells senders apart by headers, what they proved, and address', () => {
    const { asked } = made('by: [x-tenant, auth.subject, client.address]\nrequests: { rate: 1 }')
    assert.equal(asked(from('a', { subject: 's' })), undefined)
    assert.equal(asked(from('a', { subject: 's' })), 1000)
    assert.equal(asked(from('b', { subject: 's' })), undefined)
    assert.equal(asked(from('a', { subject: 't' })), undefined)
    assert.equal(asked({ ...from('a', { subject: 's' }), peer: '192.0.2.2:5000' }), undefined)
    assert.equal(asked({ ...from('a', { subject: 's' }), peer: '192.0.2.1:5999' }), 1000)
  })

  test('senders that say nothing of themselves are one', () => {
    const { asked } = made('by: [x-tenant]\nrequests: { rate: 1 }')
    assert.equal(asked({ metadata: new Map(), peer: '192.0.2.1:1' }), undefined)
    assert.equal(asked({ metadata: new Map(), peer: '192.0.2.2:1' }), 1000)
  })

  test('a sender may have limits of its own; what is left out stays', () => {
    const { limiter, asked } = made(`
by: [x-tenant]
requests: { rate: 1, burst: 1 }
bytes: { rate: 1kB }
overrides:
  - { values: [big], requests: { rate: 2, burst: 2 } }
`)
    assert.equal(asked(from('big')), undefined)
    assert.equal(asked(from('big')), undefined)
    assert.equal(asked(from('big')), 500)
    assert.equal(asked(from('small')), undefined)
    assert.equal(asked(from('small')), 1000)
    limiter.took(from('big'), { bytes: 4000 })
    assert.equal(asked(from('big')), 3000)
  })

  test('senders that come when there are too many share the limits of one, and debts are never forgotten for them', async () => {
    const { limiter, asked, clock, context } = made('by: [x-tenant]\nbytes: { rate: 1000 }\nmax_senders: 2')
    assert.equal(asked(from('debtor')), undefined)
    limiter.took(from('debtor'), { bytes: 11_000 })
    assert.equal(asked(from('b')), undefined)
    limiter.took(from('b'), { bytes: 1 })
    assert.equal(asked(from('c')), undefined)
    limiter.took(from('c'), { bytes: 2000 })
    assert.equal(asked(from('d')), 1000, 'd pays for c')
    assert.equal(asked(from('debtor')), 10_000)
    assert.deepEqual(context.lines, [
      'warn There are more senders than can be told apart: those that come besides share the limits of one',
    ])
    await clock.advance(1)
    assert.equal(asked(from('d')), undefined, 'b is full again and makes room')
    assert.equal(asked(from('debtor')), 9999)
  })

  test('a sender with limits of its own is never counted with others, however many are invented', () => {
    const { limiter, asked } = made(`
by: [x-tenant]
requests: { rate: 1, burst: 1 }
max_senders: 2
overrides: [{ values: [paying], requests: { rate: 5, burst: 5 } }]
`)
    for (let at = 0; at < 10; at++) limiter.refuse(from(`invented ${at}`))
    for (let at = 0; at < 5; at++) assert.equal(asked(from('paying')), undefined)
    assert.equal(asked(from('paying')), 200)
  })

  test('the sender that was silent longest makes room, not the one that came first', async () => {
    const { limiter, clock, context } = made('by: [x-tenant]\nbytes: { rate: 1000 }\nmax_senders: 10')
    const send = (tenant: string) => {
      limiter.refuse(from(tenant))
      limiter.took(from(tenant), { bytes: 2000 })
    }
    for (let at = 0; at < 10; at++) send(`${at}`)
    await clock.advance(3000)
    for (let at = 0; at < 9; at++) send(`${at}`)
    send('new')
    assert.deepEqual(context.lines, [], 'it was given the place of the last')
  })

  test('over any requests, what is let in stays within burst and rate, but for the one that went into debt', () => {
    const request = fc.record({ pause: fc.integer({ min: 0, max: 3000 }), bytes: fc.integer({ min: 0, max: 5000 }) })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), fc.integer({ min: 1, max: 3000 }), (requests, rate) => {
        const { limiter, clock } = made(`bytes: { rate: ${rate}, burst: 1500 }`)
        let elapsed = 0
        let taken = 0
        Object.assign(clock, { monotonic: () => elapsed })
        for (const { pause, bytes } of requests) {
          elapsed += pause
          const before = taken
          const refused = limiter.refuse(from('a'))
          if (refused) {
            const { after } = refused.retry as { after: number }
            elapsed += after
            assert.equal(limiter.refuse(from('a')), undefined, 'who waits as told is let in')
          }
          limiter.took(from('a'), { bytes })
          taken += bytes
          assert.ok(before <= 1500 + (rate * elapsed) / 1000, `${before} after ${elapsed} ms at ${rate}`)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('what limits nothing, or excepts nobody, is a fault', () => {
    assert.match(faultsOf(definition, 'by: [x]')[0] ?? '', /nothing is limited/)
    assert.match(faultsOf(definition, 'requests: { rate: 0 }')[0] ?? '', /rate/)
    assert.match(faultsOf(definition, 'requests: { rate: 1 }\noverrides: [{ values: [a] }]')[0] ?? '', /"by" is empty/)
    const by = 'by: [x, y]\nrequests: { rate: 1 }\noverrides: '
    assert.match(faultsOf(definition, `${by}[{ values: [a], requests: { rate: 2 } }]`)[0] ?? '', /must have 2 values/)
    assert.match(faultsOf(definition, `${by}[{ values: [a, b] }]`)[0] ?? '', /no limit differs/)
    const twice = '{ values: [a, b], requests: { rate: 2 } }'
    assert.match(faultsOf(definition, `${by}[${twice}, ${twice}]`)[0] ?? '', /comes twice/)
  })
})
