import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readHtpasswd } from '../../../src/extensions/basicauth/htpasswd.ts'
import type { Match } from '../../../src/extensions/basicauth/htpasswd.ts'
import { Passwords } from '../../../src/extensions/basicauth/passwords.ts'
import { openssl, withoutOpenssl } from '../../transport/certificates.ts'

/** What the openssl program makes of a password. */
const crypted = (flag: string, salt: string, password: string): string =>
  openssl(['passwd', flag, '-salt', salt, '-stdin'], `${password}\n`).trim()

const judged = async (encoded: string, password: string) =>
  readHtpasswd(`user:${encoded}`).entries.get('user')?.(password)

describe('htpasswd', () => {
  for (const flag of ['-1', '-apr1', '-5', '-6'])
    test(`takes what \`openssl passwd ${flag}\` makes, and no other password`, { skip: withoutOpenssl }, async () => {
      // openssl cuts off after 256 bytes, and reads a line.
      const text = fc.string({
        unit: fc.constantFrom('a', 'Z', '7', '$', ' ', 'ß', '€', ':'),
        minLength: 1,
        maxLength: 40,
      })
      const salt = fc.string({ unit: fc.constantFrom('a', 'Z', '7', '.', '/'), minLength: 1, maxLength: 8 })
      await fc.assert(
        fc.asyncProperty(text, salt, async (password, seasoning) => {
          const encoded = crypted(flag, seasoning, password)
          assert.equal(await judged(encoded, password), true)
          assert.equal(await judged(encoded, `${password}x`), false)
        }),
        { numRuns: 12 },
      )
    })

  test('takes bcrypt, whatever letter its prefix has', async () => {
    const hash = 'bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O'
    for (const letter of 'abyx') {
      assert.equal(await judged(`$2${letter}$05$${hash}`, 'bar'), true)
      assert.equal(await judged(`$2${letter}$05$${hash}`, 'baz'), false)
    }
  })

  test('takes SHA-1, salted SHA-1 and plain passwords', async () => {
    assert.equal(await judged('{SHA}D9rQ8iK6feNAniulHNKdr5V38ok=', 'mickey5'), true)
    assert.equal(await judged('{SHA}D9rQ8iK6feNAniulHNKdr5V38ok=', 'mickey6'), false)
    const salt = Buffer.from('pepper')
    const salted = Buffer.concat([createHash('sha1').update('open').update(salt).digest(), salt]).toString('base64')
    assert.equal(await judged(`{SSHA}${salted}`, 'open'), true)
    assert.equal(await judged(`{SSHA}${salted}`, 'shut'), false)
    assert.equal(await judged('sesame', 'sesame'), true)
    assert.equal(await judged('{PLAIN}sesame', 'sesame'), true)
    assert.equal(await judged('sesame', ''), false)
  })

  test('SHA-crypt with rounds of its own is the published vector', async () => {
    const vector =
      '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1'
    assert.equal(
      await judged(vector, 'a very much longer text to encrypt.  This one even stretches over morethan one line.'),
      true,
    )
  })

  test('the last entry of a user counts, and broken ones are told by line, without what they say', () => {
    const { entries, faults } = readHtpasswd(
      'a:one\n\nno colon\nb:{SHA}short\nc:$2y$05$short\nd:$6$rounds=9999999$s$h\na:two\n',
    )
    assert.deepEqual([...entries.keys()], ['a'])
    assert.equal(entries.get('a')?.('two'), true)
    assert.deepEqual(
      faults.map(({ line }) => line),
      [3, 4, 5, 6],
    )
    assert.doesNotMatch(JSON.stringify(faults), /short|9999999/)
  })
})

describe('whoever is not in the file', () => {
  const took = async (match: Match | undefined): Promise<number> => {
    const started = performance.now()
    assert.equal(await match?.('wrong'), false)
    return performance.now() - started
  }

  test('is refused after the work of the costliest entry, whatever stands before and after it', async () => {
    const costly = `$2y$10$${'x'.repeat(53)}`
    const { entries, stranger } = readHtpasswd(
      `a:plain\nb:${costly}\nc:$apr1$abcdefgh$x\nd:$6$salt$x\ne:{SHA}D9rQ8iK6feNAniulHNKdr5V38ok=`,
    )
    await took(entries.get('b'))
    const [known, unknown] = [await took(entries.get('b')), await took(stranger)]
    assert.ok(unknown > known / 3, `${unknown} ms, and ${known} ms for a user that there is`)
  })

  test('does not come in with the password of another', async () => {
    for (const entry of ['sesame', '{SHA}D9rQ8iK6feNAniulHNKdr5V38ok='])
      for (const password of ['sesame', 'mickey5'])
        assert.equal(await readHtpasswd(`user:${entry}`).stranger(password), false)
    assert.equal(await readHtpasswd('').stranger(''), false)
  })
})

test('passwords that would take seconds to hash, and entries that ask for it, match nothing', async () => {
  const long = 'p'.repeat(513)
  for (const flag of ['$apr1$abcdefgh$', '$6$salt$']) {
    const { entries } = readHtpasswd(`user:${flag}x`)
    const started = performance.now()
    assert.equal(await entries.get('user')?.('p'.repeat(10_000_000)), false)
    assert.ok(performance.now() - started < 500)
    assert.equal(await entries.get('user')?.(long), false)
  }
  const { entries, faults } = readHtpasswd(`a:$2y$31$${'x'.repeat(53)}\nb:`)
  assert.equal(entries.size, 0)
  assert.deepEqual(
    faults.map(({ reason }) => reason),
    ['it asks for a cost of more than 16', 'it has no password'],
  )
})

describe('remembered passwords', () => {
  test('each is hashed once, until the entries change', async () => {
    let hashed = 0
    const entry = (right: string) => (password: string) => {
      hashed++
      return password === right
    }
    const passwords = new Passwords()
    passwords.use(new Map([['user', entry('a')]]))
    const verdicts = await Promise.all(['a', 'a', 'b', 'b', 'a'].map((password) => passwords.match('user', password)))
    assert.deepEqual(verdicts, [true, true, false, false, true])
    assert.equal(hashed, 2)
    passwords.use(new Map([['user', entry('b')]]))
    assert.equal(await passwords.match('user', 'a'), false)
    assert.equal(await passwords.match('user', 'b'), true)
    assert.equal(hashed, 4)
  })

  test('an unknown user costs a hash as well, once, and never comes in', async () => {
    let hashed = 0
    const passwords = new Passwords()
    passwords.use(new Map([['user', () => false]]), () => {
      hashed++
      return false
    })
    assert.deepEqual(await Promise.all(['a', 'a', 'b'].map((password) => passwords.match('nobody', password))), [
      false,
      false,
      false,
    ])
    assert.equal(hashed, 2)
  })

  test('a verdict on entries that were replaced meanwhile is not remembered', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const passwords = new Passwords()
    passwords.use(new Map([['user', () => promise]]))
    const slow = passwords.match('user', 'a')
    passwords.use(new Map([['user', () => false]]))
    resolve(true)
    assert.equal(await slow, true)
    assert.equal(await passwords.match('user', 'a'), false)
  })

  test('whoever comes while too many wait is told to come again', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const passwords = new Passwords()
    passwords.use(new Map([['user', () => promise]]))
    const waiting = Array.from({ length: 32 }, (_, at) => passwords.match('user', `${at}`))
    await assert.rejects(passwords.match('user', 'one more'), { code: 'unavailable', retryable: true })
    resolve(true)
    assert.equal((await Promise.all(waiting)).length, 32)
  })
})
