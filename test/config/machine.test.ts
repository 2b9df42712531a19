import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { report } from '../../src/config/report.ts'
import { Authority, openssl, withoutOpenssl } from '../transport/certificates.ts'

let authority: Authority
if (!withoutOpenssl) before(() => void (authority = new Authority()))
after(() => authority?.[Symbol.dispose]())

const folder = mkdtempSync(join(tmpdir(), 'telegen-machine-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** `line: path: message`, one for each fault. */
async function faultsOf(yaml: string, options = {}): Promise<string[]> {
  const { faults } = await check(load({ configs: [file('config.yaml', yaml)] }), builtInCatalog(), options)
  return faults.map(({ place, path, message }) => `${place.line}: ${path}: ${message}`)
}

/** The lines of `tls` begin at line 5. */
const receiver = (tls: readonly string[], authenticator?: string): string => `receivers:
  otlp:
    protocols:
      grpc:
        tls:
${tls.map((line) => `          ${line}`).join('\n')}
${authenticator === undefined ? '' : `        auth: { authenticator: ${authenticator} }`}
exporters: { debug: }
`
const SERVICE = 'service: { pipelines: { logs: { receivers: [otlp], exporters: [debug] } } }\n'
const AT = 'receivers::otlp::protocols::grpc::tls'

describe('files that options name', { skip: withoutOpenssl }, () => {
  test('certificates and keys that cannot be used are found, each at its line', async () => {
    const [ours, others] = [authority.sign('ours'), authority.sign('others')]
    const nonsense = file('nonsense.pem', '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n')
    const locked = join(folder, 'locked.key')
    const args = `ec -in ${ours.key} -aes128 -passout pass:secret -out ${locked}`
    openssl(args.split(' '))
    const tried = async (...lines: string[]) => faultsOf(receiver(lines) + SERVICE)

    assert.deepEqual(await tried(`cert_file: ${ours.cert}`, `key_file: ${ours.key}`), [])
    assert.deepEqual(await tried(`cert_file: ${ours.cert}`, `key_file: ${others.key}`), [
      `7: ${AT}::key_file: failed to load TLS cert and key: tls: private key does not match public key`,
    ])
    assert.deepEqual(await tried('cert_file: /nowhere.pem', `key_file: ${folder}`, `client_ca_file: ${nonsense}`), [
      `6: ${AT}::cert_file: tls: cannot read cert_file /nowhere.pem: no such file or directory`,
      `7: ${AT}::key_file: tls: cannot read key_file ${folder}: is a directory`,
      `8: ${AT}::client_ca_file: tls: client_ca_file ${nonsense} holds no valid PEM-encoded certificate`,
    ])
    assert.deepEqual(await tried(`cert_file: ${ours.key}`, `key_file: ${ours.cert}`), [
      `6: ${AT}::cert_file: tls: cert_file ${ours.key} holds no valid PEM-encoded certificate`,
      `7: ${AT}::key_file: tls: key_file ${ours.cert} holds no PEM-encoded private key`,
    ])
    assert.deepEqual(await tried(`cert_file: ${ours.cert}`, `key_file: ${locked}`), [
      `7: ${AT}::key_file: tls: key_file ${locked} holds a private key with a passphrase`,
    ])
  })

  test('what is written in place is looked at too, and never shown', async () => {
    const { cert, key } = authority.sign('ours')
    const pem = (name: string) => JSON.stringify(readFileSync(name, 'utf8'))
    assert.deepEqual(await faultsOf(receiver([`cert_pem: ${pem(cert)}`, `key_pem: ${pem(key)}`]) + SERVICE), [])
    const faults = await faultsOf(receiver([`cert_pem: ${pem(cert)}`, 'key_pem: s3cret']) + SERVICE)
    assert.deepEqual(faults, [`7: ${AT}::key_pem: tls: key_pem holds no PEM-encoded private key`])
    const loaded = load({ configs: [file('config.yaml', receiver(['cert_pem: c3rt', 'key_pem: s3cret']) + SERVICE)] })
    const printed = report((await check(loaded, builtInCatalog())).faults, loaded)
    assert.match(printed, /key_pem: …/)
    assert.doesNotMatch(printed, /s3cret|c3rt/)
  })

  test('exporters and credentials are looked at, unused components and pure checks are not', async () => {
    const yaml = `exporters:
  otlp_http:
    endpoint: https://localhost:1
    tls: { ca_file: /nowhere.pem }
  otlp_grpc:
    endpoint: localhost:1
    tls: { ca_file: /nowhere.pem }
receivers: { nop: }
extensions:
  bearertokenauth:
    filename: /nowhere.token
  basicauth:
    htpasswd: { file: ${file('empty', ' \n')} }
  headers_setter:
    headers:
      - key: x
        value_file: /nowhere.value
service:
  extensions: [bearertokenauth, basicauth, headers_setter]
  pipelines: { logs: { receivers: [nop], exporters: [otlp_http] } }
`
    assert.deepEqual(await faultsOf(yaml), [
      '4: exporters::otlp_http::tls::ca_file: tls: cannot read ca_file /nowhere.pem: no such file or directory',
      '11: extensions::bearertokenauth::filename: failed to read credentials file "/nowhere.token": no such file or directory',
      `13: extensions::basicauth::htpasswd::file: failed to read credentials file "${join(folder, 'empty')}": it is empty`,
      '17: extensions::headers_setter::headers::0::value_file: failed to read credentials file "/nowhere.value": no such file or directory',
    ])
    assert.deepEqual(await faultsOf(yaml, { machine: false }), [])
  })
})

describe('references to authenticators', () => {
  const of = (extensions: string, running: string, receiverAuth: string, exporterAuth: string) => `extensions:
${extensions}
receivers:
  otlp: { protocols: { http: { auth: { authenticator: ${receiverAuth} } } } }
exporters:
  otlp_http: { endpoint: "https://localhost:1", auth: { authenticator: ${exporterAuth} } }
service:
  extensions: [${running}]
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } }
`
  const IN = '  basicauth/in: { htpasswd: { inline: "a:b" } }'
  const OUT = '  basicauth/out: { client_auth: { username: a, password: b } }'

  test('must lead to an extension that runs and offers that', async () => {
    const both = `${IN}\n${OUT}`
    const all = 'basicauth/in, basicauth/out'
    assert.deepEqual(await faultsOf(of(both, all, 'basicauth/in', 'basic_auth/out')), [])
    assert.deepEqual(await faultsOf(of(both, all, 'basicauth/out', 'basicauth/in')), [
      '5: receivers::otlp: requested authenticator is not a server authenticator',
      '7: exporters::otlp_http: requested authenticator is not a client authenticator',
    ])
    assert.deepEqual(await faultsOf(of(both, 'basicauth/in', 'basicauth/in', 'basicauth/out')), [
      '7: exporters::otlp_http: references extension "basicauth/out" which is not listed in service::extensions',
    ])
    assert.deepEqual(await faultsOf(of(both, all, 'nobody', 'basicauth/out')), [
      '5: receivers::otlp: references extension "nobody" which is not configured',
    ])
  })

  test('must not lead in a circle', async () => {
    const setter = (id: string, next: string) =>
      `  headers_setter/${id}: { headers: [{ key: a, value: b }], additional_auth: headers_setter/${next} }`
    const yaml = of(
      [IN, setter('a', 'b'), setter('b', 'a'), setter('c', 'a')].join('\n'),
      'basicauth/in, headers_setter/a, headers_setter/b, headers_setter/c',
      'basicauth/in',
      'headers_setter/c',
    )
    assert.deepEqual(await faultsOf(yaml), [
      '3: extensions::headers_setter/a: references extension "headers_setter/b" which leads back to this one',
      '4: extensions::headers_setter/b: references extension "headers_setter/a" which leads back to this one',
    ])
  })
})
