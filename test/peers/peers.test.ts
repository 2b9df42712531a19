import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Options } from '../../src/component/options.ts'
import { Refused } from '../../src/component/refused.ts'
import { grpcClientOptions } from '../../src/transport/grpc-client-options.ts'
import { grpcServerOptions } from '../../src/transport/grpc-server-options.ts'
import { makeHttp2Client } from '../../src/transport/http2/client/client.ts'
import { startHttp2Server } from '../../src/transport/http2/server.ts'
import { Authority, withoutOpenssl } from '../transport/certificates.ts'
import { configured } from '../transport/configured.ts'
import { disposing } from '../transport/disposing.ts'
import { quiet } from '../transport/quiet.ts'
import { callFrom, PEERS, servePeer } from './peers.ts'

const PATH = '/test.Service/Method'
const NEVER = new AbortController().signal

async function client(t: TestContext, port: number, yaml: string) {
  const options = `{ endpoint: 'localhost:${port}', ${yaml} }`
  const made = await makeHttp2Client(configured({ config: Options(grpcClientOptions) }, options))
  t.after(() => made.close())
  return (body: Buffer | string, timeout = 20_000) =>
    made.call(PATH, [Buffer.from(body)], { timeout, abort: NEVER }).then(String)
}

async function server(t: TestContext, yaml: string): Promise<number> {
  const options = configured({ config: Options(grpcServerOptions('127.0.0.1:0')) }, yaml)
  const handle = async (message: Buffer) => Buffer.from(String(message.length))
  const started = await startHttp2Server(options, { methods: new Map([[PATH, { handle }]]), log: quiet })
  t.after(() => started.close(AbortSignal.abort()))
  return (started.address as { port: number }).port
}

const CLEAR = 'tls: { insecure: true }'

for (const peer of PEERS) {
  const skip = peer.missing ?? false

  describe(`Our client before a server of ${peer.name}`, { skip }, () => {
    for (const compression of ['none', 'gzip'])
      test(`is understood at any size, and answered, with compression ${compression}`, async (t) => {
        const call = await client(t, await servePeer(t, peer), `${CLEAR}, compression: ${compression}`)
        for (const size of [0, 1, 16_384, 70_000, 1_000_000, 20_000_000])
          assert.equal(await call(Buffer.alloc(size, 'x')), `${size}`)
        const echo = Buffer.concat([Buffer.from('echo'), Buffer.alloc(3_000_000, 'y')])
        assert.equal((await call(echo)).length, echo.length)
      })

    test('reads its refusals', async (t) => {
      const call = await client(t, await servePeer(t, peer), `${CLEAR}, compression: none`)
      const refused = await call('refuse').catch((error: unknown) => error)
      assert.ok(refused instanceof Refused)
      assert.deepEqual([refused.code, refused.message], ['resource_exhausted', 'voll: 100 % größer'])
    })

    test('has many requests under way, more than one connection takes', async (t) => {
      const call = await client(t, await servePeer(t, peer, '-streams', '20'), `${CLEAR}, compression: none`)
      const answers = await Promise.all(Array.from({ length: 500 }, (_, size) => call(Buffer.alloc(size, 'x'))))
      answers.forEach((answer, size) => assert.equal(answer, `${size}`))
    })

    test('loses nothing when its connections grow too old', async (t) => {
      const port = await servePeer(t, peer, '-age', '150ms')
      const call = await client(t, port, `${CLEAR}, compression: none`)
      const began = performance.now()
      let answered = 0
      const one = async (body: string, answer: string) => {
        while (performance.now() - began < 1500) {
          assert.equal(await call(body), answer)
          answered++
        }
      }
      await Promise.all([...Array.from({ length: 8 }, () => one('xx', '2')), one('slow', '4'), one('slow', '4')])
      assert.ok(answered > 50, `${answered}`)
    })

    test('shows its certificate', { skip: withoutOpenssl }, async (t) => {
      const authority = disposing(t, new Authority())
      const theirs = authority.sign('server', 'DNS:localhost')
      const ours = authority.sign('agent')
      const flags = ['-cert', theirs.cert, '-key', theirs.key, '-ca', authority.ca.cert]
      const tls = `ca_file: ${authority.ca.cert}, cert_file: ${ours.cert}, key_file: ${ours.key}`
      const call = await client(t, await servePeer(t, peer, ...flags), `tls: { ${tls} }`)
      for (const size of [1, 5_000_000]) assert.equal(await call(Buffer.alloc(size, 'x')), `${size}`)
    })
  })

  describe(`Our server before a client of ${peer.name}`, { skip }, () => {
    for (const more of [[], ['-gzip']])
      test(`answers messages of any size ${more.join('')}`, async (t) => {
        const port = await server(t, '{}')
        assert.equal(await callFrom(peer, port, '-sizes', '0,1,100000,20000000', '-count', '3', ...more), 'ok 3')
      })

    test('answers many at the same time', async (t) => {
      const port = await server(t, '{}')
      assert.equal(await callFrom(peer, port, '-parallel', '300', '-count', '6000'), 'ok 6000')
    })

    test('loses nothing when its connections grow too old', async (t) => {
      const port = await server(t, 'keepalive: { server_parameters: { max_connection_age: 60ms } }')
      assert.equal(await callFrom(peer, port, '-parallel', '20', '-count', '20000', '-sizes', '5000'), 'ok 20000')
    })

    test('sees its certificate', { skip: withoutOpenssl }, async (t) => {
      const authority = disposing(t, new Authority())
      const ours = authority.sign('server', 'DNS:localhost')
      const theirs = authority.sign('agent')
      const tls = `cert_file: ${ours.cert}, key_file: ${ours.key}, client_ca_file: ${authority.ca.cert}`
      const port = await server(t, `tls: { ${tls} }`)
      const flags = ['-cert', theirs.cert, '-key', theirs.key, '-ca', authority.ca.cert]
      assert.equal(await callFrom(peer, port, '-sizes', '5000000', '-count', '4', ...flags), 'ok 4')
      assert.match(await callFrom(peer, port, '-sizes', '1'), /^failed: /)
    })
  })
}
