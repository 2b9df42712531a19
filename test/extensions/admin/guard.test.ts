import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import definition from '../../../src/extensions/admin/index.ts'
import { guard } from '../../../src/extensions/admin/guard.ts'
import { configured, faultsOf } from '../../transport/configured.ts'

const TLS = 'tls: { cert_file: c, key_file: k }'
const AUTH = 'auth: { authenticator: basicauth }'

const asked = (yaml: string, headers: Readonly<Record<string, string>>) =>
  guard(configured(definition, yaml))({ headers })?.status

describe('who may ask the admin endpoint', () => {
  for (const host of ['localhost:13134', 'LOCALHOST', '127.0.0.1:13134', '[::1]:13134', '10.1.2.3', '[fe80::1]'])
    test(`whoever asks for ${host}`, () => assert.equal(asked('{}', { host }), undefined))

  for (const host of [
    'evil.example',
    'evil.example:13134',
    'localhost.evil.example',
    '127.0.0.1.evil.example:13134',
    '',
  ])
    test(`not whoever asks for "${host}": its name may have been turned to this address`, () =>
      assert.equal(asked('{}', { host }), 421))

  test('whoever asks for the name of the endpoint, or one that was added', () => {
    const yaml = `endpoint: collector.internal:13134\n${TLS}\n${AUTH}\nhosts: [Admin.Example.com]`
    assert.equal(asked(yaml, { host: 'collector.internal:13134' }), undefined)
    assert.equal(asked(yaml, { host: 'admin.example.com' }), undefined)
    assert.equal(asked(yaml, { host: 'example.com' }), 421)
  })

  test('on a unix socket whoever may open it', () =>
    assert.equal(asked('{ endpoint: /run/t.sock, transport: unix }', { host: 'anything' }), undefined))

  const host = 'localhost:13134'
  const ORIGINS: readonly (readonly [Readonly<Record<string, string>>, number | undefined])[] = [
    [{ origin: 'http://localhost:13134', 'sec-fetch-site': 'same-origin' }, undefined],
    [{ 'sec-fetch-site': 'none' }, undefined],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'https://localhost:13134' }, 403],
    [{ origin: 'http://localhost:9999' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
  ]
  for (const [headers, status] of ORIGINS)
    test(`${status === undefined ? '' : 'not '}a page that says ${JSON.stringify(headers)}`, () =>
      assert.equal(asked('{}', { host, ...headers }), status))
})

describe('an admin endpoint', () => {
  const faults = (yaml: string) => faultsOf(definition, yaml).map((fault) => fault.split(':')[0])

  for (const endpoint of ['localhost:1', '127.0.0.1:1', '127.9.9.9:1', '"[::1]:1"'])
    test(`may listen at ${endpoint}`, () => assert.deepEqual(faults(`endpoint: ${endpoint}`), []))

  for (const endpoint of ['0.0.0.0:1', '":1"', '10.0.0.1:1', '"[::]:1"', 'example.com:1', 'localhost.evil.example:1'])
    test(`may not listen at ${endpoint} unless it is protected, or that is said to be unnecessary`, () => {
      assert.deepEqual(faults(`endpoint: ${endpoint}`), ['endpoint'])
      assert.deepEqual(faults(`endpoint: ${endpoint}\n${TLS}`), ['endpoint'])
      assert.deepEqual(faults(`endpoint: ${endpoint}\n${AUTH}`), ['endpoint'])
      assert.deepEqual(faults(`endpoint: ${endpoint}\n${TLS}\n${AUTH}`), [])
      assert.deepEqual(faults(`endpoint: ${endpoint}\nallow_unprotected: true`), [])
    })

  test('must have an address', () => assert.deepEqual(faults('endpoint: nowhere'), ['endpoint']))
})
