import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import type net from 'node:net'
import { after, before, describe, test } from 'node:test'
import { join } from 'node:path'
import tls from 'node:tls'
import { Options } from '../../src/component/options.ts'
import { Refused } from '../../src/component/refused.ts'
import { grpcClientOptions } from '../../src/transport/grpc-client-options.ts'
import { grpcServerOptions } from '../../src/transport/grpc-server-options.ts'
import { makeUnaryClient, startUnaryServer } from '../../src/transport/grpc.ts'
import { httpClientOptions } from '../../src/transport/http-client-options.ts'
import { httpServerOptions } from '../../src/transport/http-server-options.ts'
import { makeHttpClient, startHttpServer } from '../../src/transport/http.ts'
import { Authority, withoutOpenssl } from './certificates.ts'
import type { Certificate } from './certificates.ts'
import { configured } from './configured.ts'
import { quiet } from './quiet.ts'
import { until } from './until.ts'
import { disposing } from './disposing.ts'

const NEVER = new AbortController().signal
const PATH = '/test.Service/Method'

interface Server {
  readonly port: number
  close(): Promise<void>
}

/** The two transports, each as: serve with these TLS options, and call with those; rejects with a `Refused`. */
const transports = {
  async grpc(yaml: string): Promise<Server> {
    const options = configured({ config: Options(grpcServerOptions('127.0.0.1:0')) }, `tls: ${yaml}`)
    const methods = new Map([[PATH, { handle: async (message: Buffer) => message }]])
    const server = await startUnaryServer(options, { methods, log: quiet })
    return { port: (server.address as { port: number }).port, close: () => server.close(AbortSignal.abort()) }
  },
  async http(yaml: string): Promise<Server> {
    const options = configured({ config: Options(httpServerOptions('127.0.0.1:0')) }, `tls: ${yaml}`)
    const server = await startHttpServer(options, {
      handle: async () => ({ status: 200, headers: {}, body: 'x' }),
      log: quiet,
    })
    return { port: (server.address as { port: number }).port, close: () => server.close(AbortSignal.abort()) }
  },
}

const calls = {
  async grpc(port: number, yaml: string): Promise<string> {
    const client = await makeUnaryClient(
      configured({ config: Options(grpcClientOptions) }, `{ endpoint: 'localhost:${port}', tls: ${yaml} }`),
    )
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

interface Caller {
  call(): Promise<string>
  close(): Promise<void> | void
}

const clients = {
  async grpc(port: number, yaml: string): Promise<Caller> {
    const options = `{ endpoint: 'localhost:${port}', tls: ${yaml} }`
    const client = await makeUnaryClient(configured({ config: Options(grpcClientOptions) }, options))
    return {
      call: async () => String(await client.call(PATH, [Buffer.from('x')], { timeout: 5000, abort: NEVER })),
      close: () => client.close(),
    }
  },
  async http(port: number, yaml: string): Promise<Caller> {
    const url = new URL(`https://localhost:${port}/`)
    const client = await makeHttpClient(configured({ config: Options(httpClientOptions) }, `tls: ${yaml}`), [url])
    const abort = AbortSignal.timeout(20_000)
    return {
      call: async () => String((await client.post(url, [Buffer.from('x')], { headers: {}, abort })).body),
      close: () => client.close(),
    }
  },
}

type Answering = (subject: string) => Promise<void>

/** Servers that ask for a certificate and say whose it is. */
const peers = {
  async grpc(authority: Authority, ours: Certificate, answering: Answering): Promise<Server> {
    const server = http2.createSecureServer(asking(authority, ours))
    const sessions = new Set<http2.ServerHttp2Session>()
    server.on('session', (session) => sessions.add(session))
    server.on('stream', (stream) => {
      const body = Buffer.from([0, 0, 0, 0, 1, 'x'.charCodeAt(0)])
      stream.on('error', () => {}).resume()
      void answering(subjectOf(stream.session?.socket as tls.TLSSocket)).then(() => {
        stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.end(body)
      })
    })
    return listening(server, () => sessions.forEach((session) => session.destroy()))
  },
  async http(authority: Authority, ours: Certificate, answering: Answering): Promise<Server> {
    const server = https.createServer(asking(authority, ours), (request, response) => {
      request.resume()
      void answering(subjectOf(request.socket as tls.TLSSocket)).then(() => response.end('x'))
    })
    return listening(server, () => server.closeAllConnections())
  },
}

const asking = ({ ca }: Authority, { cert, key }: Certificate) => ({
  ca: readFileSync(ca.cert),
  cert: readFileSync(cert),
  key: readFileSync(key),
  requestCert: true,
  rejectUnauthorized: true,
})
const subjectOf = (socket: tls.TLSSocket): string => String(socket.getPeerCertificate().subject.CN)

async function listening(server: net.Server, cut: () => void): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    async close() {
      cut()
      server.close()
    },
  }
}

for (const kind of ['grpc', 'http'] as const) {
  describe(`TLS over ${kind}`, { skip: withoutOpenssl }, () => {
    let authority: Authority
    let server: Server
    let ours: Certificate
    let names: { server: string; ca: string; client: string }
    before(async () => {
      authority = new Authority()
      ours = authority.sign('server')
      const theirs = authority.sign('client')
      names = {
        server: `cert_file: ${ours.cert}, key_file: ${ours.key}`,
        client: `cert_file: ${theirs.cert}, key_file: ${theirs.key}`,
        ca: `ca_file: ${authority.ca.cert}`,
      }
      server = await transports[kind](`{ ${names.server} }`)
    })
    after(async () => {
      await server.close()
      authority[Symbol.dispose]()
    })
    const call = (yaml: string, port = server.port) => calls[kind](port, yaml)
    const refused = async (calling: Promise<unknown>): Promise<Refused> => {
      const outcome = await calling.catch((error: unknown) => error)
      assert.ok(outcome instanceof Refused, `no refusal: ${String(outcome)}`)
      return outcome
    }

    test('a certificate of a known authority is believed', async () => {
      assert.equal(await call(`{ ${names.ca} }`), 'x')
      assert.equal(await call(`{ ${names.ca}, include_system_ca_certs_pool: true }`), 'x')
    })

    test('an authority may be written in place', async () => {
      const pem = readFileSync(authority.ca.cert, 'utf8').trim().split('\n').join('\\n')
      assert.equal(await call(`{ ca_pem: "${pem}\\n" }`), 'x')
    })

    test('one of an unknown authority is not, which is said and may be tried again', async () => {
      const { message, retry } = await refused(call('{}'))
      assert.deepEqual(retry, {})
      assert.match(message, /certificate/i)
    })

    test('nor one of another name, unless that name is asked for', async () => {
      const other = authority.sign('other', 'DNS:other.example.com')
      const named = await transports[kind](`{ cert_file: ${other.cert}, key_file: ${other.key} }`)
      const { message } = await refused(call(`{ ${names.ca} }`, named.port))
      assert.match(message, /other\.example\.com|altnames|certificate/i)
      assert.equal(await call(`{ ${names.ca}, server_name_override: other.example.com }`, named.port), 'x')
      await named.close()
    })

    test('any is taken where nobody looks', async () => {
      assert.equal(await call('{ insecure_skip_verify: true }'), 'x')
    })

    test('clients must show a certificate where that is asked', async (t) => {
      const mutual = await transports[kind](`{ ${names.server}, client_ca_file: ${authority.ca.cert} }`)
      await refused(call(`{ ${names.ca} }`, mutual.port))
      const stranger = disposing(t, new Authority())
      const forged = stranger.sign('client')
      await refused(call(`{ ${names.ca}, cert_file: ${forged.cert}, key_file: ${forged.key} }`, mutual.port))
      assert.equal(await call(`{ ${names.ca}, ${names.client} }`, mutual.port), 'x')
      await mutual.close()
    })

    test('an old version of TLS is turned away', async () => {
      const modern = await transports[kind](`{ ${names.server}, min_version: "1.3" }`)
      const { code } = await refused(call(`{ ${names.ca}, max_version: "1.2" }`, modern.port))
      assert.equal(code, 'unavailable')
      assert.equal(await call(`{ ${names.ca} }`, modern.port), 'x')
      await modern.close()
    })

    test('chosen suites and curves are the ones spoken', async () => {
      const suite = 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'
      const picky = await transports[kind](
        `{ ${names.server}, max_version: "1.2", cipher_suites: [${suite}], curve_preferences: [P384] }`,
      )
      const cipher = await new Promise<string>((resolve, reject) => {
        const socket = tls.connect(
          { port: picky.port, host: 'localhost', rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] },
          () => {
            resolve(socket.getCipher().standardName)
            socket.destroy()
          },
        )
        socket.on('error', reject)
      })
      assert.equal(cipher, suite)
      await picky.close()
    })

    test('a client sends its changed certificate, and what is under way is answered', async () => {
      const [cert, key] = [join(authority.folder, `${kind}-client.pem`), join(authority.folder, `${kind}-client.key`)]
      const use = (from: { cert: string; key: string }) => {
        writeFileSync(cert, 'torn')
        copyFileSync(from.key, key)
        copyFileSync(from.cert, cert)
      }
      use(authority.sign('before'))
      const seen: string[] = []
      const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
      const server = await peers[kind](authority, ours, async (subject) => {
        seen.push(subject)
        if (seen.length === 1) await held
      })
      const yaml = `{ ${names.ca}, cert_file: ${cert}, key_file: ${key}, reload_interval: 20ms }`
      const client = await clients[kind](server.port, yaml)
      const slow = client.call()
      await until(() => seen.length === 1, 'the first request')
      use(authority.sign('after'))
      for (const end = performance.now() + 5000; seen.at(-1) !== 'after' && performance.now() < end;)
        await client.call()
      assert.equal(seen[0], 'before')
      assert.equal(seen.at(-1), 'after')
      letGo()
      assert.equal(await slow, 'x')
      await client.close()
      await server.close()
    })

    test('certificates that changed are read again', async () => {
      const renewed = join(authority.folder, `${kind}-renewed.pem`)
      const key = join(authority.folder, `${kind}-renewed.key`)
      const old = authority.sign('old')
      copyFileSync(old.cert, renewed)
      copyFileSync(old.key, key)
      const reloading = await transports[kind](`{ cert_file: ${renewed}, key_file: ${key}, reload_interval: 20ms }`)
      const subject = () =>
        new Promise<string>((resolve, reject) => {
          const options = {
            port: reloading.port,
            host: 'localhost',
            rejectUnauthorized: false,
            ALPNProtocols: ['h2', 'http/1.1'],
          }
          const socket = tls.connect(options, () => {
            resolve(String(socket.getPeerCertificate().subject.CN))
            socket.destroy()
          })
          socket.on('error', reject)
        })
      assert.equal(await subject(), 'old')
      writeFileSync(key, 'torn')
      const fresh = authority.sign('fresh')
      copyFileSync(fresh.cert, renewed)
      copyFileSync(fresh.key, key)
      let seen = ''
      for (let tries = 0; tries < 200 && seen !== 'fresh'; tries++) seen = await subject()
      assert.equal(seen, 'fresh')
      await reloading.close()
    })

    test('files that are not there, or hold something else, or do not belong together, are named', async () => {
      await assert.rejects(
        transports[kind]('{ cert_file: /nowhere.pem, key_file: /nowhere.key }'),
        /cannot read cert_file \/nowhere\.pem: ENOENT/,
      )
      const nonsense = join(authority.folder, 'nonsense.pem')
      writeFileSync(nonsense, 'hello')
      await assert.rejects(
        transports[kind](`{ ${names.server}, client_ca_file: ${nonsense} }`),
        /client_ca_file .*nonsense\.pem holds no PEM-encoded certificate/,
      )
      const { cert } = authority.sign('lonely')
      const { key } = authority.sign('other-key')
      await assert.rejects(
        transports[kind](`{ cert_file: ${cert}, key_file: ${key} }`),
        /tls: the certificates or settings cannot be used/,
      )
      await assert.rejects(call('{ ca_file: /nowhere.pem }'), /cannot read ca_file \/nowhere\.pem/)
    })

    test('a connection that never speaks does not keep others waiting', async () => {
      const { connect } = await import('node:net')
      const silent = Array.from({ length: 20 }, () => connect(server.port, '127.0.0.1').on('error', () => {}))
      await until(() => silent.every((socket) => !socket.connecting), 'the connections')
      assert.equal(await call(`{ ${names.ca} }`), 'x')
      for (const socket of silent) socket.destroy()
    })
  })
}
