import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, symlinkSync, copyFileSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import tls from 'node:tls'
import type { AuthenticationData } from '../../src/component/authentication.ts'
import type { Log } from '../../src/component/context.ts'
import { Options } from '../../src/component/options.ts'
import { Refused } from '../../src/component/refused.ts'
import { allowing, checkNames, namesOf } from '../../src/transport/client-names.ts'
import { grpcClientOptions } from '../../src/transport/grpc-client-options.ts'
import { grpcServerOptions } from '../../src/transport/grpc-server-options.ts'
import { makeUnaryClient, startUnaryServer } from '../../src/transport/grpc.ts'
import { httpClientOptions } from '../../src/transport/http-client-options.ts'
import { checkHttpServer, httpServerOptions } from '../../src/transport/http-server-options.ts'
import { makeHttpClient, startHttpServer } from '../../src/transport/http.ts'
import { Authority, openssl, withoutOpenssl } from './certificates.ts'
import type { Certificate } from './certificates.ts'
import { configured } from './configured.ts'
import { disposing } from './disposing.ts'
import { quiet } from './quiet.ts'
import { until } from './until.ts'

const PATH = '/test.Service/Method'
const NEVER = new AbortController().signal

interface Served {
  readonly port: number
  readonly seen: (AuthenticationData | undefined)[]
  readonly lines: string[]
  readonly rejected: string[]
}

const serving = {
  async grpc(t: TestContext, yaml: string): Promise<Served> {
    const options = configured({ config: Options(grpcServerOptions('127.0.0.1:0')) }, `tls: ${yaml}`)
    const served = records()
    const handle = async (message: Buffer, { auth }: { auth?: AuthenticationData | undefined }) => {
      served.seen.push(auth)
      return message
    }
    const server = await startUnaryServer(options, { methods: new Map([[PATH, { handle }]]), ...served.surroundings })
    t.after(() => server.close(AbortSignal.abort()))
    return { ...served, port: (server.address as { port: number }).port }
  },
  async http(t: TestContext, yaml: string): Promise<Served> {
    const options = configured({ config: Options(httpServerOptions('127.0.0.1:0')) }, `tls: ${yaml}`)
    const served = records()
    const server = await startHttpServer(options, {
      async handle({ auth }) {
        served.seen.push(auth)
        return { status: 200, headers: {}, body: 'x' }
      },
      ...served.surroundings,
    })
    t.after(() => server.close(AbortSignal.abort()))
    return { ...served, port: (server.address as { port: number }).port }
  },
}

function records() {
  const [seen, lines, rejected] = [[], [], []] as [(AuthenticationData | undefined)[], string[], string[]]
  const log: Log = { ...quiet, warn: (_, line) => void lines.push(line), error: (_, line) => void lines.push(line) }
  return { seen, lines, rejected, surroundings: { log, onRejected: ({ code }: Refused) => void rejected.push(code) } }
}

const calling = {
  async grpc(port: number, yaml: string): Promise<string> {
    const options = `{ endpoint: 'localhost:${port}', tls: ${yaml} }`
    const client = await makeUnaryClient(configured({ config: Options(grpcClientOptions) }, options))
    const answer = client.call(PATH, [Buffer.from('x')], { timeout: 5000, abort: NEVER })
    return answer.then(String).finally(() => client.close())
  },
  async http(port: number, yaml: string): Promise<string> {
    const url = new URL(`https://localhost:${port}/`)
    const client = await makeHttpClient(configured({ config: Options(httpClientOptions) }, `tls: ${yaml}`), [url])
    const answer = client.post(url, [Buffer.from('x')], { headers: {}, abort: AbortSignal.timeout(5000) })
    return answer.then(({ body }) => String(body)).finally(() => client.close())
  },
}

const AGENT = 'URI:spiffe://example.org/agent/a1,DNS:a1.agents.example.org,email:ops@example.org'

for (const kind of ['grpc', 'http'] as const)
  describe(`Client certificates over ${kind}`, { skip: withoutOpenssl }, () => {
    let authority: Authority
    let ours: Certificate
    let server: string
    let agent: string
    before(() => {
      authority = new Authority()
      ours = authority.sign('server')
      server = `cert_file: ${ours.cert}, key_file: ${ours.key}, client_ca_file: ${authority.ca.cert}`
      agent = as(authority.sign('agent', AGENT))
    })
    after(() => authority[Symbol.dispose]())
    const as = ({ cert, key }: Certificate) => `{ ca_file: ${authority.ca.cert}, cert_file: ${cert}, key_file: ${key} }`

    test('tell who sends', async (t) => {
      const { port, seen } = await serving[kind](t, `{ ${server} }`)
      assert.equal(await calling[kind](port, agent), 'x')
      const { 'certificate.fingerprint': fingerprint, ...auth } = seen[0] as AuthenticationData
      assert.deepEqual(auth, {
        'certificate.subject': 'CN=agent',
        'certificate.names': [...AGENT.split(','), 'CN:agent'],
      })
      assert.match(String(fingerprint), /^([0-9A-F]{2}:){31}/)
    })

    test('of an allowed name are let in', async (t) => {
      for (const name of ['URI:spiffe://example.org/agent/*', 'DNS:*.Agents.example.org', 'CN:agent']) {
        const { port, rejected } = await serving[kind](t, `{ ${server}, client_allowed_names: ['CN:x', '${name}'] }`)
        assert.equal(await calling[kind](port, agent), 'x')
        assert.deepEqual(rejected, [])
      }
    })

    test('of another name are cut off, counted and logged with their names', async (t) => {
      const { port, rejected, lines, seen } = await serving[kind](
        t,
        `{ ${server}, client_allowed_names: ['URI:spiffe://example.org/*', 'CN:agent2'] }`,
      )
      await assert.rejects(calling[kind](port, agent), Refused)
      assert.equal(rejected[0], 'permission_denied')
      assert.match(
        lines[0]!,
        /certificate has none of client_allowed_names, but URI:spiffe:\/\/example\.org\/agent\/a1/,
      )
      assert.equal(lines.length, 1)
      assert.equal(seen.length, 0)
    })

    test('that are missing, expired or of another authority are refused with the reason', async (t) => {
      const stranger = disposing(t, new Authority())
      const cases = [
        [`{ ca_file: ${authority.ca.cert} }`, /it showed no certificate/],
        [as(expired(authority)), /its certificate has expired/],
        [as(stranger.sign('agent', AGENT)), /signed by nobody of client_ca_file/],
      ] as const
      for (const [yaml, reason] of cases) {
        const { port, lines, rejected } = await serving[kind](t, `{ ${server} }`)
        await assert.rejects(calling[kind](port, yaml), Refused)
        await until(() => lines.length > 0, `the reason ${String(reason)}`)
        assert.match(lines[0]!, reason)
        assert.equal(rejected[0], 'unauthenticated')
      }
    })

    test('are not read again and again for a server that could not listen', async (t) => {
      const { port } = await serving[kind](t, `{ ${server} }`)
      const intervals = t.mock.method(globalThis, 'setInterval')
      const yaml = `{ endpoint: '127.0.0.1:${port}', tls: { ${server}, reload_interval: 50ms } }`
      const starting =
        kind === 'grpc'
          ? startUnaryServer(configured({ config: Options(grpcServerOptions('')) }, yaml), {
              methods: new Map(),
              log: quiet,
            })
          : startHttpServer(configured({ config: Options(httpServerOptions('')) }, yaml), {
              handle: () => assert.fail(),
              log: quiet,
            })
      await assert.rejects(starting, /address already in use/)
      assert.equal(intervals.mock.callCount(), 0)
    })

    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      test(`of a session of ${version} are shown again, as they may have expired since`, async (t) => {
        const { port } = await serving[kind](t, `{ ${server} }`)
        const { cert, key } = authority.sign('again', AGENT)
        const files = { ca: readFileSync(authority.ca.cert), cert: readFileSync(cert), key: readFileSync(key) }
        const sessions: Buffer[] = []
        const connect = async (session?: Buffer) => {
          const options = {
            port,
            host: 'localhost',
            ALPNProtocols: ['h2', 'http/1.1'],
            ...files,
            ...(session && { session }),
          }
          const socket = tls.connect({ ...options, minVersion: version, maxVersion: version })
          t.after(() => socket.destroy())
          socket.on('error', () => {}).on('session', (ticket: Buffer) => sessions.push(ticket))
          await once(socket, 'secureConnect')
          socket.write(kind === 'http' ? 'GET / HTTP/1.1\r\nhost: x\r\n\r\n' : 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
          await once(socket, 'data')
          return socket
        }
        await connect()
        for (const session of sessions.splice(0)) assert.equal((await connect(session)).isSessionReused(), false)
      })

    test('a client that does not believe the server is logged there, too', async (t) => {
      const { port, lines } = await serving[kind](t, `{ ${server} }`)
      await assert.rejects(calling[kind](port, '{}'), /certificate/)
      // Node's clients just go; others say why.
      const client = execFile('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error'])
      t.after(() => client.kill())
      await until(() => lines.length > 0, 'the reason')
      assert.match(lines[0]!, /it refused our certificate or settings: unknown ca/)
    })

    test('certificates are swapped as Kubernetes does it, and no connection is lost', async (t) => {
      const folder = join(authority.folder, `swap-${kind}`)
      mkdirSync(folder)
      const version = (name: string, cert: Certificate, key: Certificate) => {
        mkdirSync(join(folder, name))
        copyFileSync(cert.cert, join(folder, name, 'tls.crt'))
        copyFileSync(key.key, join(folder, name, 'tls.key'))
        symlinkSync(name, join(folder, 'next'))
        renameSync(join(folder, 'next'), join(folder, '..data'))
      }
      const [old, fresh] = [authority.sign('old'), authority.sign('fresh')]
      version('1', old, old)
      for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(folder, file))
      const files = `cert_file: ${join(folder, 'tls.crt')}, key_file: ${join(folder, 'tls.key')}`
      const { port, lines } = await serving[kind](t, `{ ${files}, reload_interval: 10ms }`)
      const kept = await connected(t, port)
      assert.equal(kept.getPeerCertificate().subject.CN, 'old')
      // The certificate comes before its key: the old ones stay, and that is said once.
      version('2', fresh, old)
      await until(() => lines.length > 0, 'the complaint')
      for (let i = 0; i < 5; i++) assert.equal((await connected(t, port)).getPeerCertificate().subject.CN, 'old')
      assert.deepEqual(lines, ['The changed certificates cannot be used; the old ones stay'])
      version('3', fresh, fresh)
      let seen = ''
      for (let i = 0; i < 500 && seen !== 'fresh'; i++)
        seen = (await connected(t, port)).getPeerCertificate().subject.CN as string
      assert.equal(seen, 'fresh')
      assert.equal(kept.destroyed, false)
    })
  })

const connected = (t: TestContext, port: number): Promise<tls.TLSSocket> =>
  new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] }
    const socket = tls.connect(options, () => resolve(socket))
    socket.on('error', reject)
    t.after(() => socket.destroy())
  })

/** Signed for a day that has passed. */
function expired(authority: Authority): Certificate {
  const { cert, key } = authority.sign('expired')
  const { ca } = authority
  const request = join(authority.folder, 'expired.csr')
  openssl(`x509 -req -in ${request} -CA ${ca.cert} -CAkey ${ca.key} -CAcreateserial -days -1 -out ${cert}`.split(' '))
  return { cert, key }
}

describe('Two clients that come from one port to two addresses', { skip: withoutOpenssl }, () => {
  test('are not taken for each other over gRPC', async (t) => {
    const authority = disposing(t, new Authority())
    const ours = authority.sign('server')
    const options = configured(
      { config: Options(grpcServerOptions('0.0.0.0:0')) },
      `tls: { cert_file: ${ours.cert}, key_file: ${ours.key}, client_ca_file: ${authority.ca.cert} }`,
    )
    const handle = async (_: Buffer, { auth }: { auth?: AuthenticationData | undefined }) =>
      Buffer.from(String(auth?.['certificate.subject']))
    const server = await startUnaryServer(options, { methods: new Map([[PATH, { handle }]]), log: quiet })
    t.after(() => server.close(AbortSignal.abort()))
    const { port } = server.address as { port: number }
    let localPort: number | undefined
    const sessions: http2.ClientHttp2Session[] = []
    for (const [host, name] of [
      ['127.0.0.1', 'one'],
      ['127.0.0.2', 'other'],
    ] as const) {
      const { cert, key } = authority.sign(name)
      const files = { ca: readFileSync(authority.ca.cert), cert: readFileSync(cert), key: readFileSync(key) }
      const from = { localAddress: '127.0.0.1', ...(localPort !== undefined && { localPort }) }
      const socket = net.connect({ host, port, ...from })
      await once(socket, 'connect')
      localPort = socket.localPort
      const secured = tls.connect({ socket, servername: 'localhost', ALPNProtocols: ['h2'], ...files })
      await once(secured, 'secureConnect')
      const session = http2.connect(`https://localhost:${port}`, { createConnection: () => secured })
      t.after(() => session.destroy())
      sessions.push(session)
    }
    // The later one first: the server has taken it in by its answer.
    for (const name of ['other', 'one']) {
      const call = sessions[name === 'one' ? 0 : 1]!.request({
        ':method': 'POST',
        ':path': PATH,
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      call.end(Buffer.from([0, 0, 0, 0, 0]))
      const parts = (await call.toArray()) as Buffer[]
      assert.equal(Buffer.concat(parts).subarray(5).toString(), `CN=${name}`)
    }
  })
})

describe('Names of a certificate', { skip: withoutOpenssl }, () => {
  test('cannot be made up by one that contains another', (t) => {
    const authority = disposing(t, new Authority())
    const { cert } = authority.sign(
      'liar',
      '@names\n[names]\nURI.1=http://x/, DNS:admin.example.org\nDNS.1=a.example.org',
    )
    const names = namesOf(new X509Certificate(readFileSync(cert)))
    assert.deepEqual(names, ['URI:http://x/, DNS:admin.example.org', 'DNS:a.example.org', 'CN:liar'])
    assert.equal(allowing(['DNS:admin.example.org'])(names), false)
  })

  test('match as a whole, a star for one label or segment', () => {
    const isAllowed = allowing(['DNS:*.example.org', 'URI:spiffe://x/*/y'])
    for (const name of ['DNS:a.example.org', 'DNS:A.EXAMPLE.org', 'URI:spiffe://x/1/y'])
      assert.ok(isAllowed([name]), name)
    for (const name of [
      'DNS:example.org',
      'DNS:a.b.example.org',
      'DNS:a.example.org.evil.com',
      'CN:a.example.org',
      'URI:spiffe://x/1/2/y',
      'URI:SPIFFE://x/1/y',
      'DNS:aXexample.org',
    ])
      assert.equal(isAllowed([name]), false, name)
    assert.ok(allowing([])([]))
  })

  test('that no certificate has, or that nobody asks for, are faults', () => {
    const faults = [...checkNames(['agent', 'FOO:x', 'CN:x'], ['names'])]
    assert.deepEqual(
      faults.map(({ message }) => message),
      ['"agent" is not a name of a certificate', '"FOO:x" is not a name of a certificate'],
    )
    const options = configured(
      { config: Options(httpServerOptions('127.0.0.1:0')) },
      '{ tls: { cert_file: c, key_file: k, client_allowed_names: ["CN:x"] } }',
    )
    assert.deepEqual(
      [...checkHttpServer(options, [])].map(({ message, hint }) => [message, hint]),
      [['names of clients mean nothing where nobody asks for their certificates', 'add client_ca_file']],
    )
  })
})
