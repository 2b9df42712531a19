import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { TestContext as Test } from 'node:test'
import type { JWTPayload } from 'jose'
import fc from 'fast-check'
import definition from '../../../src/extensions/oidc/index.ts'
import { keySetOf } from '../../../src/extensions/oidc/key-set.ts'
import { oidc } from '../../../src/extensions/oidc/oidc.ts'
import { Provider } from '../../../src/extensions/oidc/provider.ts'
import type { KeySource } from '../../../src/extensions/oidc/provider.ts'
import type { Host, ServerAuthenticator } from '../../../src/plugin.ts'
import { settle } from '../../../src/testing/test-clock.ts'
import { TestContext } from '../../component/test-context.ts'
import { Authority, withoutOpenssl } from '../../transport/certificates.ts'
import { configured, faultsOf } from '../../transport/configured.ts'
import { disposing } from '../../transport/disposing.ts'
import { until } from '../../transport/until.ts'
import { Issuer, SigningKey } from './issuer.ts'

const folder = mkdtempSync(join(tmpdir(), 'telegen-oidc-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const HOST: Host = { ready: true, startTime: 0, statuses: () => [] }
const ISSUER = 'https://login.example.com'
const ec = new SigningKey('ec')
const other = new SigningKey('other')
const rsa = new SigningKey('rsa', 'RS256')

/** The extension, started. */
async function started(t: Test, yaml: string) {
  const context = Object.assign(new TestContext('oidc', configured(definition, yaml)), { host: HOST })
  const extension = oidc(context)
  await extension.start?.()
  t.after(() => extension.stop?.(AbortSignal.abort()))
  const authenticator = extension.offers?.[0]?.implementation as ServerAuthenticator
  const present = async (...values: string[]) => authenticator.authenticate(new Map([['authorization', values]]))
  return { context, authenticator, present, clock: context.clock, extension }
}

/** With keys in a file: no issuer is asked. */
function withFile(t: Test, keys: readonly unknown[] = [ec.jwk, rsa.jwk], more = '', issuer = ISSUER) {
  const file = join(folder, `${Math.random()}.json`)
  writeFileSync(file, JSON.stringify({ keys }))
  const yaml = `issuer_url: ${issuer}\naudience: telegen\npublic_keys_file: ${file}\n${more}`
  return started(t, yaml).then((all) => ({ ...all, file }))
}

const INVALID = { code: 'unauthenticated', retry: 'never', message: 'invalid token' }
const RIGHT = { iss: ISSUER, aud: 'telegen', sub: 'agent-7' }
const bearer = async (key: SigningKey, claims: JWTPayload, now: number, header = {}) =>
  `Bearer ${await key.token(claims, now, header)}`

describe('oidc', () => {
  test('takes a token that the issuer signed, and knows its claims', async (t) => {
    const { present, clock } = await withFile(t)
    const token = await ec.token({ ...RIGHT, tenant: 'north', roles: ['a', 'b'] }, clock.now())
    const data = await present(`Bearer ${token}`)
    assert.deepEqual(
      { ...data },
      {
        iss: ISSUER,
        aud: 'telegen',
        sub: 'agent-7',
        tenant: 'north',
        roles: ['a', 'b'],
        iat: 1_700_000_000,
        exp: 1_700_000_300,
        subject: 'agent-7',
        membership: [],
        raw: token,
      },
    )
  })

  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const)
    test(`takes signatures by ${alg}, and no other algorithm than those it is told`, async (t) => {
      const key = new SigningKey('k', alg)
      const { present, clock } = await withFile(t, [key.jwk])
      await present(await bearer(key, RIGHT, clock.now()))
      const strict = await withFile(t, [key.jwk], `signing_algorithms: [${alg === 'ES256' ? 'RS256' : 'ES256'}]`)
      await assert.rejects(strict.present(await bearer(key, RIGHT, clock.now())), INVALID)
    })

  test('subject and membership come from the claims that it is told', async (t) => {
    const { present, clock } = await withFile(t, [ec.jwk], 'username_claim: email\ngroups_claim: groups')
    const now = clock.now()
    const data = await present(await bearer(ec, { ...RIGHT, email: 'a@b.c', groups: ['x', 1] }, now))
    assert.deepEqual([data?.['subject'], data?.['membership']], ['a@b.c', ['x', '1']])
    const single = await present(await bearer(ec, { ...RIGHT, email: 'a@b.c', groups: 'x' }, now))
    assert.deepEqual(single?.['membership'], ['x'])
    await assert.rejects(present(await bearer(ec, { ...RIGHT, groups: [] }, now)), INVALID)
    await assert.rejects(present(await bearer(ec, { ...RIGHT, email: 7, groups: [] }, now)), INVALID)
    await assert.rejects(present(await bearer(ec, { ...RIGHT, email: 'a@b.c' }, now)), INVALID)
  })

  test('a claim cannot stand in for what is found out, nor reach into objects', async (t) => {
    const { present, clock } = await withFile(t)
    const claims = JSON.parse(
      '{"subject":"root","raw":"x","membership":["admin"],"__proto__":{"admin":true}}',
    ) as object
    const data = await present(await bearer(ec, { ...claims, ...RIGHT }, clock.now()))
    assert.equal(data?.['subject'], 'agent-7')
    assert.deepEqual(data?.['membership'], [])
    assert.equal(data?.['admin'], undefined)
    assert.equal(Object.getPrototypeOf(data), null)
  })

  describe('takes no token', () => {
    const wrong: Record<string, (now: number) => Promise<string> | string> = {
      'of another issuer': (now) => ec.token({ ...RIGHT, iss: `${ISSUER}/` }, now),
      'without an issuer': (now) => ec.token({ aud: 'telegen' }, now),
      'for somebody else': (now) => ec.token({ ...RIGHT, aud: ['a', 'telegen2'] }, now),
      'for nobody': (now) => ec.token({ iss: ISSUER }, now),
      'that has expired, but for the skew': (now) => ec.token({ ...RIGHT, exp: now / 1000 - 61 }, now),
      'that never expires': (now) => ec.token({ ...RIGHT, exp: undefined as never }, now),
      'that expires at no time': (now) => ec.token({ ...RIGHT, exp: 'never' as never }, now),
      'that is not valid yet': (now) => ec.token({ ...RIGHT, nbf: now / 1000 + 61 }, now),
      'that was issued later': (now) => ec.token({ ...RIGHT, iat: now / 1000 + 61 }, now),
      'by a key that is unknown': (now) => other.token(RIGHT, now),
      'by another key of the same name': (now) => other.token(RIGHT, now, { kid: 'ec' }),
      'that brings its own key': (now) => other.token(RIGHT, now, { kid: 'ec', jwk: other.jwk }),
      'that says where its key is': (now) => other.token(RIGHT, now, { kid: 'ec', jku: 'http://127.0.0.1:1/keys' }),
      'whose key is named like a file': (now) => ec.token(RIGHT, now, { kid: '../../dev/null' }),
      'whose key is named like a property': (now) => ec.token(RIGHT, now, { kid: '__proto__' }),
      'with a critical extension that is unknown': async (now) => {
        const [, payload] = (await ec.token(RIGHT, now)).split('.')
        const header = Buffer.from('{"alg":"ES256","kid":"ec","crit":["x"],"x":1}').toString('base64url')
        return `${header}.${payload}.${(await ec.token(RIGHT, now)).split('.')[2]}`
      },
      'of five parts': async (now) => `${await ec.token(RIGHT, now)}.a.b`,
      'that is no token': () => 'abc',
      'whose parts are no JSON': () => 'YWJj.YWJj.YWJj',
    }
    for (const [what, make] of Object.entries(wrong))
      test(what, async (t) => {
        const { present, clock, context } = await withFile(t)
        await assert.rejects(present(`Bearer ${await make(clock.now())}`), INVALID)
        assert.equal(context.counts.get('telegen.oidc.rejected.tokens'), 1)
        assert.deepEqual(context.lines, ['warn A token was rejected'])
      })

    test('signed by nobody, or with the public key as a secret', async (t) => {
      const { present, clock } = await withFile(t)
      const [, payload] = (await rsa.token(RIGHT, clock.now())).split('.')
      const encoded = (header: object) => Buffer.from(JSON.stringify(header)).toString('base64url')
      for (const alg of ['none', 'None', 'NONE', '']) {
        const unsigned = `${encoded({ alg, kid: 'rsa' })}.${payload}`
        await assert.rejects(present(`Bearer ${unsigned}.`), INVALID)
        await assert.rejects(present(`Bearer ${unsigned}.AA`), INVALID)
      }
      const secrets = [
        rsa.publicKey.export({ type: 'spki', format: 'pem' }),
        rsa.publicKey.export({ type: 'spki', format: 'der' }),
        JSON.stringify(rsa.jwk),
        rsa.jwk.n as string,
      ]
      for (const secret of secrets) {
        const signing = `${encoded({ alg: 'HS256', kid: 'rsa' })}.${payload}`
        const signature = createHmac('sha256', secret).update(signing).digest('base64url')
        await assert.rejects(present(`Bearer ${signing}.${signature}`), INVALID)
      }
    })

    test('by a secret that the set of keys gives away', async (t) => {
      const secret = Buffer.from('a secret of more than thirty-two bytes!')
      const oct = { kty: 'oct', k: secret.toString('base64url'), kid: 'oct', alg: 'HS256' }
      const { present, clock, context } = await withFile(t, [ec.jwk, oct])
      assert.deepEqual(context.lines, ['warn Some keys of the file cannot be used'])
      const header = Buffer.from('{"alg":"HS256","kid":"oct"}').toString('base64url')
      const [, payload] = (await ec.token(RIGHT, clock.now())).split('.')
      const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
      await assert.rejects(present(`Bearer ${header}.${payload}.${signature}`), INVALID)
    })

    test('after any one character of it was changed', async (t) => {
      const { present, clock } = await withFile(t)
      const token = await ec.token(RIGHT, clock.now())
      const places = Array.from(token, (_, at) => at).filter((at) => token[at] !== '.')
      // The last character of a part has bits that mean nothing, so that another may stand for the same.
      const free = places.filter((at) => token[at + 1] !== '.' && at !== token.length - 1)
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...free), fc.constantFrom('A', 'z', '-', '0'), async (at, character) => {
          if (token[at] === character) return
          const tampered = `${token.slice(0, at)}${character}${token.slice(at + 1)}`
          await assert.rejects(present(`Bearer ${tampered}`), INVALID)
        }),
        { numRuns: 150 },
      )
      await present(`Bearer ${token}`)
    })

    test('that is huge: it is not even looked at', async (t) => {
      const { present, clock, context } = await withFile(t)
      const token = await ec.token({ ...RIGHT, filler: 'x'.repeat(20_000) }, clock.now())
      await assert.rejects(present(`Bearer ${token}`), INVALID)
      assert.equal(context.counts.get('telegen.oidc.rejected.tokens'), 1)
      await present(await bearer(ec, { ...RIGHT, filler: 'x'.repeat(8000) }, clock.now()))
    })

    test('in a header of another form; the first of several headers counts', async (t) => {
      const { present, clock, authenticator } = await withFile(t)
      const token = await ec.token(RIGHT, clock.now())
      await assert.rejects(present(), { ...INVALID, message: 'no token provided' })
      await assert.rejects(present(''), { ...INVALID, message: 'no token provided' })
      for (const value of [token, `Basic ${token}`, `Bearer ${token} ${token}`, `Bearer${token}`, `Bearer ${token}\n`])
        await assert.rejects(present(value), INVALID)
      await assert.rejects(present('Bearer x', `Bearer ${token}`), INVALID)
      await present(`bearer ${token}`, 'Bearer x')
      assert.equal(authenticator.challenge, 'Bearer realm="telegen"')
    })
  })

  test('clocks may differ by the skew', async (t) => {
    const { present, clock } = await withFile(t, [ec.jwk], 'clock_skew: 10s')
    const at = (offset: number) => clock.now() / 1000 + offset
    await present(await bearer(ec, { ...RIGHT, exp: at(-9), nbf: at(-9) }, clock.now()))
    await present(await bearer(ec, { ...RIGHT, nbf: at(9), iat: at(9) }, clock.now()))
    await assert.rejects(present(await bearer(ec, { ...RIGHT, exp: at(-11) }, clock.now())), INVALID)
    await assert.rejects(present(await bearer(ec, { ...RIGHT, nbf: at(11) }, clock.now())), INVALID)
  })

  test('a token that was taken before is taken until it expires, not longer', async (t) => {
    const { present, clock } = await withFile(t)
    const token = await bearer(ec, RIGHT, clock.now())
    const first = await present(token)
    assert.equal(await present(token), first, 'its signature is not checked again')
    await clock.advance(359_000)
    await present(token)
    await clock.advance(2000)
    await assert.rejects(present(token), INVALID)
  })

  test('the audience, or the issuer, is not looked at where it is told so', async (t) => {
    const file = join(folder, 'lax.json')
    writeFileSync(file, JSON.stringify({ keys: [ec.jwk] }))
    const keys = `issuer_url: ${ISSUER}\npublic_keys_file: ${file}`
    const anyAudience = await started(t, `${keys}\nignore_audience: true`)
    const now = anyAudience.clock.now()
    await anyAudience.present(await bearer(ec, { iss: ISSUER, aud: 'others' }, now))
    await assert.rejects(anyAudience.present(await bearer(ec, { iss: 'https://other' }, now)), INVALID)
    const anyIssuer = await started(t, `${keys}\naudience: telegen\nignore_issuer: true`)
    await anyIssuer.present(await bearer(ec, { iss: 'https://other', aud: 'telegen' }, now))
    await assert.rejects(anyIssuer.present(await bearer(ec, { iss: ISSUER, aud: 'others' }, now)), INVALID)
  })

  test('of several issuers each has its own keys and rules', async (t) => {
    const file = (name: string, key: SigningKey) => {
      const path = join(folder, name)
      writeFileSync(path, JSON.stringify({ keys: [key.jwk] }))
      return path
    }
    const { present, clock } = await started(
      t,
      `
providers:
  - { issuer_url: https://one, audience: a, public_keys_file: ${file('one.json', ec)} }
  - { issuer_url: https://two, audience: b, public_keys_file: ${file('two.json', other)}, username_claim: name }
`,
    )
    const now = clock.now()
    assert.equal((await present(await bearer(ec, { iss: 'https://one', aud: 'a', sub: 's' }, now)))?.['subject'], 's')
    const two = await present(await bearer(other, { iss: 'https://two', aud: 'b', name: 'n' }, now))
    assert.equal(two?.['subject'], 'n')
    await assert.rejects(present(await bearer(ec, { iss: 'https://two', aud: 'b', name: 'n' }, now)), INVALID)
    await assert.rejects(present(await bearer(ec, { iss: 'https://one', aud: 'b' }, now)), INVALID)
    await assert.rejects(present(await bearer(ec, { iss: 'https://three', aud: 'a' }, now)), INVALID)
  })

  test('a token that does not name its key is tried with each', async (t) => {
    const nameless = (key: SigningKey) => ({ ...key.jwk, kid: undefined })
    const { present, clock } = await withFile(t, [nameless(ec), nameless(other), rsa.jwk])
    await present(await bearer(other, RIGHT, clock.now(), { kid: undefined }))
    await assert.rejects(present(await bearer(new SigningKey('x'), RIGHT, clock.now(), { kid: undefined })), INVALID)
  })

  test('keys in a file are renewed when it changes; what is no key changes nothing', async (t) => {
    const { present, clock, file, context } = await withFile(t, [ec.jwk])
    const token = await bearer(ec, RIGHT, clock.now())
    await present(token)
    const changes = (least: number) => () =>
      context.lines.filter((line) => line === 'info The credentials file has changed').length >= least
    const replace = (text: string) => {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
    replace('{"keys":[]}')
    await clock.advance(1000)
    await until(
      () => context.lines.some((line) => line.startsWith('error The changed keys cannot be used')),
      'the changed file is read',
    )
    await present(token)
    replace(JSON.stringify({ keys: [other.jwk] }))
    await clock.advance(1000)
    await until(changes(2), 'the new keys are read')
    await assert.rejects(present(token), INVALID)
    await present(await bearer(other, RIGHT, clock.now()))
  })
})

describe('oidc with an issuer that is asked', () => {
  const yaml = (issuer: Issuer, more = '') => `issuer_url: ${issuer.url}\naudience: telegen\n${more}`
  const right = (issuer: Issuer) => ({ ...RIGHT, iss: issuer.url })

  test('finds its keys, and asks for them once', async (t) => {
    const issuer = disposing(t, await Issuer.start([ec, rsa]))
    const { present, clock, context } = await started(t, yaml(issuer))
    await Promise.all([ec, rsa].map(async (key) => present(await bearer(key, right(issuer), clock.now()))))
    assert.equal(issuer.asked, 1)
    assert.deepEqual(context.reports, ['ok'])
  })

  test('over TLS, by the authorities that it is told', { skip: withoutOpenssl }, async (t) => {
    const authority = disposing(t, new Authority())
    const issuer = disposing(t, await Issuer.start([ec], authority.sign('issuer')))
    const { present, clock } = await started(t, yaml(issuer, `issuer_ca_path: ${authority.ca.cert}`))
    await present(await bearer(ec, right(issuer), clock.now()))
    const strange = await started(t, yaml(issuer))
    await assert.rejects(strange.present(await bearer(ec, right(issuer), clock.now())), { code: 'unavailable' })
    assert.match(
      strange.context.reports[0] ?? '',
      /recoverable: the keys of the issuer https.* cannot be read: .*certificate/,
    )
  })

  test('an issuer that is away costs senders a wait, not their data; it is asked again until it is there', async (t) => {
    const away = await Issuer.start([ec])
    const { port, url } = away
    await away[Symbol.asyncDispose]()
    const { present, clock, context } = await started(t, `issuer_url: ${url}\naudience: telegen`)
    const token = await bearer(ec, { ...RIGHT, iss: url }, clock.now())
    const refused = { code: 'unavailable', message: 'the keys to check tokens with are not available' }
    await assert.rejects(present(token), { ...refused, retry: { after: 1000 } })
    assert.match(context.reports[0] ?? '', /^recoverable: the keys of the issuer .* cannot be read: .*ECONNREFUSED/)
    await clock.advance(400)
    await assert.rejects(present(token), { ...refused, retry: { after: 600 } })
    const issuer = disposing(t, await Issuer.start([ec], undefined, port))
    await clock.advance(600)
    await until(() => context.reports.includes('ok'), 'the issuer has told its keys')
    await present(token)
    assert.equal(issuer.asked, 1)
  })

  test('a new key is found when a token names it, and one that is gone opens no more', async (t) => {
    const issuer = disposing(t, await Issuer.start([ec]))
    const { present, clock } = await started(t, yaml(issuer))
    const old = await bearer(ec, right(issuer), clock.now())
    await present(old)
    issuer.keys = [other.jwk]
    const fresh = await bearer(other, right(issuer), clock.now())
    await assert.rejects(present(fresh), { code: 'unavailable', retry: { after: 10_000 } }, 'it was asked just now')
    await clock.advance(10_000)
    await Promise.all([present(fresh), present(fresh), present(fresh)])
    assert.equal(issuer.asked, 2)
    await assert.rejects(present(old), { code: 'unavailable' })
    await clock.advance(10_000)
    await assert.rejects(present(old), INVALID)
    await present(fresh)
  })

  test('made-up key names do not make it ask more often than every ten seconds', async (t) => {
    const issuer = disposing(t, await Issuer.start([ec]))
    const { present, clock } = await started(t, yaml(issuer))
    await present(await bearer(ec, right(issuer), clock.now()))
    await clock.advance(10_000)
    for (let at = 0; at < 20; at++) {
      const made = present(await bearer(other, right(issuer), clock.now(), { kid: `made up ${at}` }))
      await assert.rejects(made, at === 0 ? INVALID : { code: 'unavailable' })
    }
    assert.equal(issuer.asked, 2)
  })

  test('asks by itself every ten minutes; where that fails the keys stay', async (t) => {
    const issuer = disposing(t, await Issuer.start([ec]))
    const { present, clock, context } = await started(t, yaml(issuer))
    const token = () => bearer(ec, right(issuer), clock.now())
    await present(await token())
    issuer.answer = (response) => response.writeHead(500).end()
    await clock.advance(600_000)
    await until(
      () => context.lines.includes('warn The keys of the issuer are not renewed; the old ones stay'),
      'the failure is told',
    )
    await present(await token())
    assert.deepEqual(context.reports, ['ok'])
    issuer.answer = undefined
    issuer.keys = [other.jwk]
    await clock.advance(600_000)
    await until(() => context.lines.includes('info The issuer has changed its keys'), 'the new keys are told')
    await assert.rejects(present(await token()), { code: 'unavailable' })
  })

  test('a key that is unknown while the issuer is away may be a new one: its sender is told to wait', async (t) => {
    const issuer = await Issuer.start([ec])
    const { present, clock } = await started(t, yaml(issuer))
    await present(await bearer(ec, right(issuer), clock.now()))
    const claims = right(issuer)
    await issuer[Symbol.asyncDispose]()
    await clock.advance(10_000)
    await assert.rejects(present(await bearer(other, claims, clock.now())), { code: 'unavailable' })
    await present(await bearer(ec, claims, clock.now()))
  })

  test('an issuer that does not answer is given five seconds', async (t) => {
    const issuer = disposing(t, await Issuer.start([ec]))
    issuer.answer = () => {}
    const { present, clock, context } = await started(t, yaml(issuer))
    const waiting = assert.rejects(present(await bearer(ec, right(issuer), clock.now())), { code: 'unavailable' })
    await clock.advance(4999)
    assert.deepEqual(context.reports, [])
    await clock.advance(1)
    await waiting
    assert.match(context.reports[0] ?? '', /no answer within 5s/)
  })

  const broken: Record<string, [(issuer: Issuer) => void, RegExp]> = {
    'answers an error': [(it) => (it.answer = (response) => response.writeHead(503).end()), /it answered 503/],
    'sends elsewhere': [
      (it) => (it.answer = (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()),
      /it answered 302/,
    ],
    'answers no JSON': [(it) => (it.answer = (response) => response.end('<html>')), /is not JSON/],
    'answers without an end': [
      (it) => (it.answer = (response) => void response.write(Buffer.alloc(2 * 1024 * 1024, 32))),
      /longer than 1048576 bytes/,
    ],
    'describes another': [(it) => (it.about = { issuer: 'https://evil.example' }), /describes another issuer/],
    'has no address of keys': [(it) => (it.about = { jwks_uri: 7 }), /does not say where the keys are/],
    'has no keys': [(it) => (it.keys = []), /no supported keys/],
    'has a key too weak': [
      (it) => (it.keys = [{ kty: 'RSA', e: 'AQAB', n: Buffer.alloc(64, 0xff).toString('base64url') }]),
      /no supported keys/,
    ],
    'has more keys than any': [(it) => (it.keys = Array.from({ length: 101 }, () => ec.jwk)), /more than 100 keys/],
  }
  for (const [what, [spoil, reason]] of Object.entries(broken))
    test(`an issuer that ${what} is trouble, and said`, async (t) => {
      const issuer = disposing(t, await Issuer.start([ec]))
      spoil(issuer)
      const { context, present, clock } = await started(t, yaml(issuer))
      await assert.rejects(present(await bearer(ec, right(issuer), clock.now())), { code: 'unavailable' })
      assert.match(context.reports[0] ?? '', reason)
    })

  test('keys that come without TLS are not taken from an issuer that has it', { skip: withoutOpenssl }, async (t) => {
    const authority = disposing(t, new Authority())
    const issuer = disposing(t, await Issuer.start([ec], authority.sign('issuer')))
    issuer.about = { jwks_uri: 'http://127.0.0.1:1/keys' }
    const { present, clock, context } = await started(t, yaml(issuer, `issuer_ca_path: ${authority.ca.cert}`))
    await assert.rejects(present(await bearer(ec, right(issuer), clock.now())), { code: 'unavailable' })
    assert.match(context.reports[0] ?? '', /without TLS/)
  })

  test('a stop ends what is under way, and nothing is asked after it', async (t) => {
    const issuer = disposing(t, await Issuer.start([ec]))
    issuer.answer = () => {}
    const { extension, clock, context } = await started(t, yaml(issuer))
    await extension.stop?.(AbortSignal.abort())
    await until(() => clock.waiting === 0, 'no timer waits')
    await settle()
    assert.deepEqual(context.reports, [])
  })
})

test('options of oidc that cannot work are faults', () => {
  const fault = (yaml: string) => faultsOf(definition, yaml)
  assert.deepEqual(fault('issuer_url: https://a\naudience: b'), [])
  assert.deepEqual(fault('audience: b'), [': no IssuerURL provided for the OIDC configuration'])
  assert.equal(fault('{}').length, 2)
  assert.deepEqual(fault('issuer_url: https://a'), [': no Audience provided for the OIDC configuration'])
  assert.deepEqual(fault('issuer_url: https://a\nignore_audience: true'), [])
  assert.match(fault('issuer_url: a.example\naudience: b')[0] ?? '', /issuer_url: "a.example" is not the URL/)
  assert.match(fault('issuer_url: https://u:p@a\naudience: b')[0] ?? '', /must not hold credentials/)
  const two = 'providers: [{ issuer_url: https://a, audience: b }, { issuer_url: https://a, audience: c }]'
  assert.deepEqual(fault(two), ['providers::1::issuer_url: duplicate issuer URL found: https://a'])
  assert.match(
    fault(
      'issuer_url: https://a\naudience: b\nignore_issuer: true\nproviders: [{ issuer_url: https://c, audience: d }]',
    )[0] ?? '',
    /ignore_issuer cannot be true when multiple providers are configured/,
  )
  assert.equal(fault('issuer_url: https://a\naudience: b\nsigning_algorithms: [HS256]').length, 1)
  assert.equal(fault('issuer_url: https://a\naudience: b\nsigning_algorithms: [none]').length, 1)
})

test('files that oidc names are looked at before a start', () => {
  const file = join(folder, 'inspected.json')
  const inspected = (yaml: string) =>
    [...(definition.inspect?.(configured(definition, `issuer_url: https://a\naudience: b\n${yaml}`)) ?? [])].map(
      ({ path, message }) => `${path.join('::')}: ${message}`,
    )
  writeFileSync(file, '{"keys":[{"kty":"oct","k":"AAAA"}]}')
  assert.match(inspected(`public_keys_file: ${file}`)[0] ?? '', /public_keys_file: invalid .* no supported keys/)
  writeFileSync(file, 'secret: x')
  assert.doesNotMatch(inspected(`public_keys_file: ${file}`)[0] ?? '', /secret/)
  assert.match(inspected('public_keys_file: /nowhere')[0] ?? '', /no such file/)
  assert.match(inspected(`issuer_ca_path: ${file}`)[0] ?? '', /issuer_ca_path: could not read the CA file/)
})

test('a token whose key goes away while it is checked is not remembered', async () => {
  const now = Date.now()
  const old = keySetOf(JSON.stringify({ keys: [ec.jwk] }))
  let keys = old
  const source: KeySource = {
    get keys() {
      return keys
    },
    start: async () => {},
    stop() {},
    newer: async () => undefined,
  }
  const rules = { algorithms: ['ES256'], issuer: undefined, audience: undefined, skew: 0 }
  const provider = new Provider({ ignore_audience: true, ignore_issuer: true }, rules, source)
  const token = await ec.token({ sub: 'a' }, now)
  const checking = provider.authenticate(token, now)
  keys = keySetOf(JSON.stringify({ keys: [other.jwk] }))
  await checking
  await assert.rejects(provider.authenticate(token, now), /invalid token: key/)
})
