import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Origin } from '../../src/component/delivery.ts'
import { TestBed } from '../../src/testing.ts'
import { decodeRpcStatus } from '../../src/transport/rpc-status.ts'
import { logsRequest } from '../graph/requests.ts'
import { freePort } from '../free-ports.ts'
import { Authority, withoutOpenssl } from '../transport/certificates.ts'
import type { Certificate } from '../transport/certificates.ts'
import { until } from '../transport/until.ts'

const PROTOCOLS = ['grpc', 'http'] as const
type Protocol = (typeof PROTOCOLS)[number]

interface Loop {
  readonly extensions: string
  readonly client?: string
  readonly server?: string
  /** Options of the exporter and the receiver besides. */
  readonly exporter?: string
  readonly receiver?: string
}

let authority: Authority
let certificate: Certificate
const folder = mkdtempSync(join(tmpdir(), 'telegen-auth-'))
if (!withoutOpenssl)
  before(() => {
    authority = new Authority()
    certificate = authority.sign('server')
  })
after(() => {
  authority?.[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
})

interface Looped extends AsyncDisposable {
  readonly bed: TestBed
  readonly port: number
  send(origin?: Origin): Promise<void>
  readonly rejected: number
}

/** test_source -> exporter -> TLS -> otlp receiver -> test_sink, in one engine, acknowledged only when the sink has it. */
async function loop(protocol: Protocol, of: Loop): Promise<Looped> {
  const port = await freePort()
  const auth = (id: string | undefined) => (id === undefined ? '' : `auth: { authenticator: ${id} },`)
  const ids = of.extensions.match(/^\w+(\/\w+)?/gm) as string[]
  const direct = 'sending_queue: { enabled: false }, retry_on_failure: { enabled: false }'
  const bed = await TestBed.start(`
extensions:
  ${of.extensions.replaceAll('\n', '\n  ')}
receivers:
  test_source:
  otlp:
    protocols:
      ${protocol}:
        { endpoint: "127.0.0.1:${port}", ${auth(of.server)} ${of.receiver ?? ''}
          tls: { cert_file: ${certificate.cert}, key_file: ${certificate.key} } }
exporters:
  otlp_${protocol}: { endpoint: "https://localhost:${port}", ${auth(of.client)} ${of.exporter ?? ''}
    tls: { ca_file: ${authority.ca.cert} }, ${direct} }
  test_sink:
service:
  extensions: [${ids.join(', ')}]
  pipelines:
    logs/out: { receivers: [test_source], exporters: [otlp_${protocol}] }
    logs/in: { receivers: [otlp], exporters: [test_sink] }
`)
  return {
    bed,
    port,
    send: (origin) => bed.send('logs', logsRequest('a'), origin ? { origin } : {}),
    get rejected() {
      return bed.metrics.total('telegen.receiver.rejected.requests', { receiver: 'otlp', transport: protocol })
    },
    async [Symbol.asyncDispose]() {
      await bed.stop()
    },
  }
}

/** Runs `body` with the loop, and stops it. */
async function within(protocol: Protocol, of: Loop, body: (looped: Looped) => Promise<void>): Promise<void> {
  const looped = await loop(protocol, of)
  try {
    await body(looped)
  } finally {
    await looped[Symbol.asyncDispose]()
  }
}

const IN = 'basicauth/in: { htpasswd: { inline: "agent:sesame" } }'
const OUT = 'basicauth/out: { client_auth: { username: agent, password: sesame } }'

for (const protocol of PROTOCOLS)
  describe(`authentication over ${protocol}`, { skip: withoutOpenssl }, () => {
    test('user and password open the receiver, and what it learnt travels with the data', () =>
      within(protocol, { extensions: `${IN}\n${OUT}`, client: 'basicauth/out', server: 'basicauth/in' }, async (it) => {
        await it.send()
        await it.bed.requests(1)
        assert.deepEqual(it.bed.sent[0]?.origin.auth, {
          username: 'agent',
          raw: Buffer.from('agent:sesame').toString('base64'),
        })
        assert.equal(it.rejected, 0)
      }))

    test('without, or with others, nothing comes in, and it is counted', async () => {
      await within(protocol, { extensions: IN, server: 'basicauth/in' }, async (it) => {
        await assert.rejects(it.send(), {
          code: 'unauthenticated',
          message: /no basic auth provided/,
          retryable: false,
        })
        assert.equal(it.rejected, 1)
        assert.equal(it.bed.sent.length, 0)
      })
      const wrong = 'basicauth/out: { client_auth: { username: agent, password: "wrong:one" } }'
      await within(
        protocol,
        { extensions: `${IN}\n${wrong}`, client: 'basicauth/out', server: 'basicauth/in' },
        async (it) => {
          await assert.rejects(it.send(), { code: 'unauthenticated', message: /invalid credentials/ })
          assert.doesNotMatch(JSON.stringify(it.bed.logs), /wrong:one|sesame/)
        },
      )
    })

    test('a bearer token opens it; of several each does', async () => {
      const tokens = 'bearertokenauth/in: { tokens: [one, two] }'
      for (const [token, opens] of [
        ['one', true],
        ['two', true],
        ['three', false],
      ] as const) {
        const extensions = `${tokens}\nbearertokenauth/out: { token: ${token} }`
        await within(
          protocol,
          { extensions, client: 'bearertokenauth/out', server: 'bearertokenauth/in' },
          async (it) => {
            if (opens) await it.send()
            else
              await assert.rejects(it.send(), {
                message: /provided authorization does not match expected scheme or token/,
              })
          },
        )
      }
      await within(protocol, { extensions: tokens, server: 'bearertokenauth/in' }, async (it) => {
        await assert.rejects(it.send(), { message: /missing or empty authorization header: Authorization/ })
      })
    })

    test('a token in another header, without a scheme, works alike', () =>
      within(
        protocol,
        {
          extensions: 'bearertokenauth: { token: one, header: X-Api-Key, scheme: "" }',
          client: 'bearertokenauth',
          server: 'bearertokenauth',
          receiver: 'include_metadata: true,',
        },
        async (it) => {
          await it.send()
          await it.bed.requests(1)
          assert.deepEqual(it.bed.sent[0]?.origin.metadata.get('x-api-key'), ['one'])
        },
      ))

    test('a token file is read again when it changes, and bad news leave the last token', async () => {
      const path = join(folder, `token-${protocol}`)
      const write = async (text: string) => {
        await writeFile(`${path}.new`, text)
        await rename(`${path}.new`, path)
      }
      await write('first # the first\n')
      const extensions = `bearertokenauth/in: { tokens: [first, second] }\nbearertokenauth/out: { filename: "${path}" }`
      const receiver = 'include_metadata: true,'
      await within(
        protocol,
        { extensions, client: 'bearertokenauth/out', server: 'bearertokenauth/in', receiver },
        async (it) => {
          const used = async () => {
            await it.send()
            return it.bed.sent.at(-1)?.origin.metadata.get('authorization')?.[0]
          }
          assert.equal(await used(), 'Bearer first')
          await write('second')
          const changed = (message: string) => it.bed.logs.some((line) => line.message.startsWith(message))
          await until(() => changed('The credentials file has changed'), 'the new token')
          assert.equal(await used(), 'Bearer second')
          await write(' \n')
          await until(() => changed('The credentials file is unusable'), 'the empty file')
          assert.equal(await used(), 'Bearer second')
        },
      )
    })

    test('headers are set, kept and deleted, from fixed values and from the sender', async () => {
      const extensions = `headers_setter:
  headers:
    - { key: X-Tenant, from_context: X-Origin-Tenant, default_value: nobody }
    - { key: X-User, from_attribute: username }
    - { key: X-Groups, from_attribute: groups }
    - { key: X-There, action: insert, value: new }
    - { key: X-Fresh, action: insert, value: new }
    - { key: X-Update, action: update, value: updated }
    - { key: X-Absent, action: update, value: updated }
    - { key: X-Gone, action: delete }`
      const exporter = 'headers: { x-there: old, x-update: old, x-gone: old },'
      const receiver = 'include_metadata: true,'
      await within(protocol, { extensions, client: 'headers_setter', exporter, receiver }, async (it) => {
        const origin: Origin = {
          metadata: new Map([['x-origin-tenant', ['acme']]]),
          auth: { username: 'ada', groups: ['a', 'b'] },
        }
        await it.send(origin)
        await it.send()
        const got = it.bed.sent.map(({ origin: { metadata } }) =>
          Object.fromEntries(
            [...metadata].filter(([name]) => name.startsWith('x-')).map(([name, values]) => [name, values.join('|')]),
          ),
        )
        const fixed = { 'x-there': 'old', 'x-fresh': 'new', 'x-update': 'updated' }
        assert.deepEqual(got[0], { ...fixed, 'x-tenant': 'acme', 'x-user': 'ada', 'x-groups': '["a","b"]' })
        assert.deepEqual(got[1], { ...fixed, 'x-tenant': 'nobody', 'x-user': '', 'x-groups': '' })
        const twice: Origin = { metadata: new Map([['x-origin-tenant', ['a', 'b']]]) }
        await assert.rejects(it.send(twice), { message: /2 source keys found in the context/ })
        const broken: Origin = { metadata: new Map([['x-origin-tenant', ['a\r\nx-evil: b']]]) }
        await assert.rejects(it.send(broken), { message: /a header "x-tenant" that no request can carry/ })
      })
    })

    test('headers beyond ASCII go over HTTP as their bytes in UTF-8, and over gRPC not at all', async () => {
      const extensions = `headers_setter:
  headers:
    - { key: X-Tenant, value: Müller }
    - { key: X-Passed, from_context: x-passed }`
      const receiver = 'include_metadata: true,'
      await within(protocol, { extensions, client: 'headers_setter', receiver }, async (it) => {
        // A header of a request that arrived has a character for each byte.
        const passed: Origin = { metadata: new Map([['x-passed', ['\u00c3\u00bc']]]) }
        if (protocol === 'grpc')
          return assert.rejects(it.send(passed), { message: /a header "x-tenant" .*ASCII alone/, retryable: false })
        await it.send(passed)
        const { metadata } = it.bed.sent[0]!.origin
        const utf8 = (name: string) => Buffer.from(metadata.get(name)?.[0] ?? '', 'latin1').toString()
        assert.deepEqual([utf8('x-tenant'), utf8('x-passed')], ['Müller', 'ü'])
      })
    })

    test('headers_setter goes after another authenticator', () =>
      within(
        protocol,
        {
          extensions: `${IN}\n${OUT}\nheaders_setter: { additional_auth: basicauth/out, headers: [{ key: x-a, value: b }] }`,
          client: 'headers_setter',
          server: 'basicauth/in',
          receiver: 'include_metadata: true,',
        },
        async (it) => {
          await it.send()
          assert.deepEqual(it.bed.sent[0]?.origin.metadata.get('x-a'), ['b'])
          assert.equal(it.bed.sent[0]?.origin.auth?.['username'], 'agent')
        },
      ))
  })

describe('authentication', () => {
  test('a refusal over HTTP is 401 with a challenge and a status in the body, before the path is looked at', async () => {
    const port = await freePort()
    const bed = await TestBed.start(`
extensions: { basicauth: { htpasswd: { inline: "agent:sesame" } } }
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}", auth: { authenticator: basicauth } } } } }
exporters: { test_sink: }
service: { extensions: [basicauth], pipelines: { logs: { receivers: [otlp], exporters: [test_sink] } } }`)
    try {
      for (const path of ['/v1/logs', '/nowhere']) {
        const { status, headers, body } = await post(port, path)
        assert.equal(status, 401)
        assert.equal(headers['www-authenticate'], 'Basic realm="telegen", charset="UTF-8"')
        assert.deepEqual(decodeRpcStatus(body), { code: 16, message: 'no basic auth provided', retryDelay: undefined })
      }
      assert.equal((await post(port, '/v1/logs', { authorization: 'basic YWdlbnQ6c2VzYW1l' })).status, 200)
      for (const value of ['Bearer YWdlbnQ6c2VzYW1l', 'Basic !', 'Basic YWdlbnQ', 'Basic YWdlbnQ=', ''])
        assert.equal((await post(port, '/v1/logs', { authorization: value })).status, 401, value)
    } finally {
      await bed.stop()
    }
  })

  test('parameters of the query stand in for headers where they are named', async () => {
    const port = await freePort()
    const auth = 'auth: { authenticator: bearertokenauth, request_params: [key] }'
    const bed = await TestBed.start(`
extensions: { bearertokenauth: { token: one, header: key, scheme: "" } }
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}", ${auth} } } } }
exporters: { test_sink: }
service: { extensions: [bearertokenauth], pipelines: { logs: { receivers: [otlp], exporters: [test_sink] } } }`)
    try {
      assert.equal((await post(port, '/v1/logs?key=one')).status, 200)
      assert.equal((await post(port, '/v1/logs?key=two', { key: 'one' })).status, 401)
      assert.equal((await post(port, '/v1/logs?other=one')).status, 401)
    } finally {
      await bed.stop()
    }
  })

  test('a secret does not leave over gRPC in the clear: the start fails', async () => {
    const start = TestBed.start(`
extensions: { bearertokenauth: { token: one } }
receivers: { test_source: }
exporters: { otlp_grpc: { endpoint: "localhost:1", tls: { insecure: true }, auth: { authenticator: bearertokenauth } } }
service: { extensions: [bearertokenauth], pipelines: { logs: { receivers: [test_source], exporters: [otlp_grpc] } } }`)
    await assert.rejects(start, /grpc: the credentials require transport level security/)
  })
})

interface Reply {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

function post(port: number, path: string, headers: http.OutgoingHttpHeaders = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { port, path, method: 'POST', headers: { 'content-type': 'application/x-protobuf', ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        )
      },
    )
    request.on('error', reject).end()
  })
}
