import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { redaction } from '../../../../src/receivers/ebpf/tracers/exec/redaction.ts'

const builtin = redaction({ builtin: true, names: [], patterns: [] })

/** Of each, `S3CRET` has to go. */
const SECRETS: readonly (readonly string[])[] = [
  ['app', '--password=S3CRET'],
  ['app', '--password', 'S3CRET'],
  ['app', '--password', '-S3CRET'],
  ['app', '-password', 'S3CRET'],
  ['app', '--db-password=S3CRET with a blank; and more S3CRET'],
  ['app', '--clientSecret', 'S3CRET'],
  ['app', '--api-key=S3CRET'],
  ['app', '--apiKey', 'S3CRET'],
  ['app', '--auth', 'S3CRET'],
  ['app', '--auth-token=S3CRET'],
  ['app', 'PGPASSWORD=S3CRET'],
  ['app', 'db_pass=S3CRET'],
  ['java', '-Dspring.datasource.password=S3CRET', '-jar', 'x.jar'],
  ['java', '-Djavax.net.ssl.keyStorePassword=S3CRET'],
  ['app', 'https://user:S3CRET@example.org/path?x=1'],
  ['app', 'postgres://user:S3@CRET@example.org/db'],
  ['app', 'amqp://:S3CRET@example.org'],
  ['app', 'https://example.org/?a=1&access_token=S3CRET&b=2'],
  ['app', '--url=https://user:S3CRET@example.org/'],
  ['curl', '-H', 'Authorization: Bearer S3CRET'],
  ['curl', '-H', 'Cookie: a=S3CRET; b=S3CRET'],
  ['curl', '--header=X-Api-Key: S3CRET'],
  ['curl', '-u', 'user:S3CRET', 'https://example.org'],
  ['curl', '-uuser:S3CRET'],
  ['curl', '-d', '{"user":"me","password":"S3CRET"}'],
  ['curl', '-d', '{"password": "S3\\"CRET S3CRET"}'],
  ['curl', '--data', 'user=me&password=S3CRET'],
  ['bash', '-c', 'export TOKEN=S3CRET; curl https://example.org'],
  ['bash', '-c', "TOKEN='S3CRET S3CRET' run me"],
  ['bash', '-c', 'mysql --password "S3CRET x"'],
  ['bash', '-c', 'curl -H "Authorization: Bearer S3CRET" https://example.org'],
  ['bash', '-c', 'app --name x --secret S3CRET --other y'],
  ['mysql', '-uroot', '-pS3CRET', 'db'],
  ['/usr/bin/mysqldump', '-pS3CRET'],
  ['redis-cli', '-a', 'S3CRET', 'get', 'x'],
  ['mongosh', '-u', 'me', '-p', 'S3CRET'],
  ['ldapsearch', '-w', 'S3CRET'],
  ['sshpass', '-p', 'S3CRET', 'ssh', 'host'],
  ['sshpass', '-pS3CRET'],
  ['openssl', 'rsa', '-passin', 'pass:S3CRET'],
  ['docker', 'login', '-u', 'me', '-p', 'S3CRET'],
  ['smbclient', '-U', 'me%S3CRET'],
  ['7z', 'a', '-pS3CRET', 'x.7z'],
  ['app', 'eyJhbGciOiJIUzI1NiJ9.S3CRETeyJzdWIiOiIxIn0.S3CRETc2lnbmF0dXJl'],
  ['app', 'ghp_S3CRETS3CRETS3CRETS3CRETS3CRETS3CRET'],
  ['app', '-----BEGIN RSA PRIVATE KEY-----\nS3CRET\n-----END RSA PRIVATE KEY-----'],
]

/** These stay as they are. */
const HARMLESS: readonly (readonly string[])[] = [
  ['nginx', '-g', 'daemon off;'],
  ['node', '--max-old-space-size=512', '/srv/shop/author.js', '--author', 'me'],
  ['grep', '-r', 'password', '/etc'],
  ['app', '--bypass=yes', '--compass', 'north', 'passive=1'],
  ['docker', 'run', '-p', '8080:80', '-p', '127.0.0.1:53:53/udp', 'image'],
  ['curl', '-u', 'user', 'https://example.org/a:b@c'],
  ['app', '--password', '--verbose'],
  ['bash', '-c', 'echo the password is not here'],
  ['mysql', '-P', '3306', '-h', 'db'],
  ['ssh', '-p', '2222', 'user@host'],
  ['token', 'x'],
]

describe('Redaction', () => {
  for (const given of SECRETS)
    test(`takes the secret out of: ${given.join(' ').replaceAll('\n', ' ')}`, () => {
      const left = builtin(given)
      assert.equal(left.length, given.length)
      assert.doesNotMatch(left.join(' '), /S3|CRET/)
      assert.match(left.join(' '), /\[REDACTED\]/)
    })
  for (const given of HARMLESS)
    test(`leaves as it is: ${given.join(' ')}`, () => assert.deepEqual(builtin(given), given))

  test('says to what a secret was given, and leaves what stands around it', () => {
    assert.deepEqual(
      builtin(['app', '--password=a', 'https://me:b@host/x', 'user=me&password=c&d=e', '-c', '{"token":"d","x":1}']),
      [
        'app',
        '--password=[REDACTED]',
        'https://me:[REDACTED]@host/x',
        'user=me&password=[REDACTED]&d=e',
        '-c',
        '{"token":"[REDACTED]","x":1}',
      ],
    )
  })

  test('has rules of the user, beside its own or alone', () => {
    const given = ['app', '--licence=1', '--licence', '2', 'card 4111111111111111', '--password=x']
    const patterns = ['\\b4[0-9]{15}\\b']
    const both = redaction({ builtin: true, names: ['Licence'], patterns })
    assert.deepEqual(both(given), [
      'app',
      '--licence=[REDACTED]',
      '--licence',
      '[REDACTED]',
      '[REDACTED]',
      '--password=[REDACTED]',
    ])
    assert.deepEqual(redaction({ builtin: false, names: ['Licence'], patterns })(given).at(-1), '--password=x')
  })

  test('takes any arguments, and as many come out', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom('--password', '=', '://', ':', '@', '"', "'", 'token', ' ', '\\', '-p', 'eyJ', '.', '{'),
    )
    const argument = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 8 }), (given) => {
        assert.equal(builtin(given).length, given.length)
      }),
      { numRuns: 500 },
    )
  })

  test('is done with the longest arguments in a moment, whatever they are made of', () => {
    for (const piece of [
      'a',
      '"',
      '\\"',
      '-----BEGIN ',
      'a:',
      'a=',
      '--a ',
      'eyJaaaaaaaa.',
      'bearer ',
      '://a:',
      '  ',
      "'",
      'a b ',
      'x="',
    ])
      for (const before of ['', 'token=', '"']) {
        const began = performance.now()
        builtin(['app', before + piece.repeat(4096 / piece.length)])
        const took = performance.now() - began
        assert.ok(took < 250, `${JSON.stringify(before + piece)}: ${took} ms`)
      }
  })
})
