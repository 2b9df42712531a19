import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { report } from '../../src/config/report.ts'
import { proxyFor } from '../../src/transport/proxy.ts'
import { TestBed } from '../../src/testing.ts'
import { logsRequest } from '../graph/requests.ts'
import { freePort } from '../free-ports.ts'
import { Authority, withoutOpenssl } from './certificates.ts'
import type { Certificate } from './certificates.ts'

const PROXY = 'http://user:secret@proxy.test:3128/'
const through = (url: string, environment: Record<string, string>): boolean =>
  proxyFor(new URL(url), environment)?.href === PROXY

describe('the proxy of the environment', () => {
  test('is the one for the protocol, in upper case or lower, with or without http://', () => {
    assert.ok(through('https://a.test', { HTTPS_PROXY: PROXY }))
    assert.ok(through('https://a.test', { https_proxy: PROXY }))
    assert.ok(!through('https://a.test', { HTTP_PROXY: PROXY }))
    assert.ok(through('http://a.test', { HTTP_PROXY: PROXY }))
    assert.ok(through('http://a.test', { http_proxy: 'user:secret@proxy.test:3128' }))
    assert.ok(!through('http://a.test', {}))
  })

  test('is not for this machine', () => {
    for (const host of ['localhost', '127.0.0.1:4318', '127.8.9.1', '[::1]:4318'])
      assert.ok(!through(`http://${host}`, { HTTP_PROXY: PROXY }), host)
  })

  const exempt = (list: string, url: string): boolean => !through(url, { HTTPS_PROXY: PROXY, NO_PROXY: list })
  for (const [list, hits, misses] of [
    ['*', ['a.test', '10.0.0.1'], []],
    ['a.test', ['a.test', 'A.TEST', 'b.a.test', 'a.test:4318'], ['ba.test', 'b.test']],
    ['.a.test', ['b.a.test'], ['a.test']],
    ['*.a.test', ['b.a.test'], ['a.test']],
    ['a.test:4318', ['a.test:4318', 'b.a.test:4318'], ['a.test', 'a.test:4317']],
    ['a.test:443', ['a.test'], ['a.test:4318']],
    ['10.1.2.3', ['10.1.2.3', '10.1.2.3:4318'], ['10.1.2.4']],
    ['10.1.2.3:4318', ['10.1.2.3:4318'], ['10.1.2.3']],
    ['10.1.0.0/16', ['10.1.2.3'], ['10.2.0.1', 'a.test']],
    ['2001:db8::/32, [2001:db9::1]:4318', ['[2001:db8::7]', '[2001:db9::1]:4318'], ['[2001:db9::1]']],
    [' b.test , a.test ', ['a.test', 'b.test'], ['c.test']],
    [',,:80,10.0.0.0/99', [], ['a.test', '10.0.0.1']],
  ] as const)
    test(`is not for what NO_PROXY lists: "${list}"`, () => {
      for (const host of hits) assert.ok(exempt(list, `https://${host}`), host)
      for (const host of misses) assert.ok(!exempt(list, `https://${host}`), host)
    })

  test('that is no URL is a fault that does not show it', () => {
    assert.throws(() => proxyFor(new URL('https://a.test'), { HTTPS_PROXY: 'http://user:secret@:x' }), {
      message: 'the environment variable HTTPS_PROXY is not the URL of a proxy',
    })
  })
})

describe('a proxy whose user or password is no percent-encoding', () => {
  const BAD = ['http://user:100%zz@proxy.test:3128', 'http://us%er:hunter2@proxy.test']

  test('is a fault of its variable, which does not show it', () => {
    for (const url of BAD)
      assert.throws(() => proxyFor(new URL('https://a.test'), { https_proxy: url }), {
        message:
          'the environment variable https_proxy has a user or password that is not percent-encoded: "%" in it is written "%25"',
      })
  })

  test('is a fault of its option, at its place, which does not show it', async () => {
    for (const url of BAD) {
      const yaml = `receivers: { otlp: { protocols: { http: } } }
exporters: { otlp_http: { endpoint: "http://a.test", proxy_url: "${url}" } }
service: { pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } } }`
      const loaded = load({ configs: [`yaml:${yaml}`], environment: {} })
      const { faults } = await check(loaded, builtInCatalog())
      assert.deepEqual(
        faults.map(({ path, place: { line }, message }) => ({ path, line, message })),
        [
          {
            path: 'exporters::otlp_http::proxy_url',
            line: 2,
            message: 'has a user or password that is not percent-encoded',
          },
        ],
      )
      assert.doesNotMatch(report(faults, loaded), /hunter2|zz/)
    }
  })
})

interface Tunnel {
  readonly port: number
  /** What was asked for, with credentials. */
  readonly asked: string[]
  close(): void
}

/** A proxy that leads everything to one port of this machine. */
async function tunnel(to: number): Promise<Tunnel> {
  const asked: string[] = []
  const sockets = new Set<net.Socket>()
  const note = ({ method, url, headers }: http.IncomingMessage) =>
    asked.push(`${method} ${url} ${headers['proxy-authorization'] ?? ''}`)
  const server = http.createServer((request, response) => {
    note(request)
    const { pathname } = new URL(request.url ?? '')
    const onward = http.request({ port: to, path: pathname, method: 'POST', headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  server.on('connect', (request, socket: net.Socket) => {
    note(request)
    const onward = net.connect(to, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    for (const each of [socket, onward]) {
      sockets.add(each)
      each.on('error', () => each.destroy())
    }
  })
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    asked,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

describe('exporters go through a proxy', { skip: withoutOpenssl }, () => {
  let authority: Authority
  let certificate: Certificate
  before(() => {
    authority = new Authority()
    certificate = authority.sign('backend', 'DNS:backend.test')
  })
  after(() => authority[Symbol.dispose]())

  async function sends(protocol: 'grpc' | 'http', options: string, secure: boolean, setUp: (proxy: number) => string) {
    const port = await freePort()
    const proxy = await tunnel(port)
    const before = { ...process.env }
    const more = setUp(proxy.port)
    try {
      const bed = await TestBed.start(`
receivers:
  test_source:
  otlp: { protocols: { ${protocol}: { endpoint: "127.0.0.1:${port}"
    ${secure ? `, tls: { cert_file: ${certificate.cert}, key_file: ${certificate.key} }` : ''} } } }
exporters:
  otlp_${protocol}: { ${options} ${more} sending_queue: { enabled: false }, retry_on_failure: { enabled: false }
    ${secure ? `, tls: { ca_file: ${authority.ca.cert} }` : ''} }
  test_sink:
service:
  pipelines:
    logs/out: { receivers: [test_source], exporters: [otlp_${protocol}] }
    logs/in: { receivers: [otlp], exporters: [test_sink] }`)
      try {
        await bed.send('logs', logsRequest('a'))
        await bed.requests(1)
        // Whoever loses its connection at the stop may ask once more.
        return [...proxy.asked]
      } finally {
        await bed.stop()
      }
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
      proxy.close()
    }
  }
  const variable = (name: string) => (port: number) => {
    process.env[name] = `http://user:pass%20word@127.0.0.1:${port}`
    return ''
  }
  const CREDENTIALS = `Basic ${Buffer.from('user:pass word').toString('base64')}`

  test('over HTTPS, of the environment', async () => {
    const asked = await sends('http', 'endpoint: "https://backend.test:4318",', true, variable('HTTPS_PROXY'))
    assert.deepEqual(asked, [`CONNECT backend.test:4318 ${CREDENTIALS}`])
  })

  test('over HTTPS, of the options, which win', async () => {
    process.env['HTTPS_PROXY'] = 'http://127.0.0.1:1'
    try {
      const asked = await sends(
        'http',
        'endpoint: "https://backend.test:4318",',
        true,
        (port) => `proxy_url: "http://127.0.0.1:${port}",`,
      )
      assert.deepEqual(asked, ['CONNECT backend.test:4318 '])
    } finally {
      delete process.env['HTTPS_PROXY']
    }
  })

  test('over HTTP in the clear', async () => {
    const [asked] = await sends('http', 'endpoint: "http://backend.test:4318",', false, variable('http_proxy'))
    assert.match(asked ?? '', /^(POST http:\/\/backend\.test:4318\/v1\/logs|CONNECT backend\.test:4318) Basic /)
  })

  test('over gRPC with TLS', async () => {
    const asked = await sends('grpc', 'endpoint: "backend.test:4317",', true, variable('HTTPS_PROXY'))
    assert.deepEqual(asked, [`CONNECT backend.test:4317 ${CREDENTIALS}`])
  })

  test('over gRPC in the clear', async () => {
    const asked = await sends('grpc', 'endpoint: "http://backend.test:4317",', false, variable('https_proxy'))
    assert.deepEqual(asked, [`CONNECT backend.test:4317 ${CREDENTIALS}`])
  })
})
