import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import type { ClientAuthenticator } from '../../src/component/authentication.ts'
import { Options } from '../../src/component/options.ts'
import { checkHttpClient, httpClientOptions } from '../../src/transport/http-client-options.ts'
import { makeHttpClient } from '../../src/transport/http.ts'
import { configured } from './configured.ts'

const NEVER = new AbortController().signal
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

/** A server that keeps what it hears and answers each connection's first bytes. */
async function listening(t: TestContext) {
  const heard: string[] = []
  const server = net.createServer((socket) => {
    socket.on('error', () => {}).on('data', (chunk) => heard.push(chunk.toString('latin1')))
    socket.once('data', () => socket.write(ANSWER))
    t.after(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { heard, url: new URL(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}/v1/traces`) }
}

const adding = (name: string, value: string): ClientAuthenticator => ({
  confidential: false,
  authenticate: async (headers) => void headers.set(name, value),
})

describe('An HTTP client', () => {
  for (const name of ['x-tenant', 'x-tenant-bin'])
    for (const [what, value] of [
      ['the end of a line', 'a\r\ntransfer-encoding: chunked'],
      ['a character that is none of HTTP', 'a\u{10d}\u{10a}b: c'],
    ] as const)
      test(`lets nobody put ${what} into the header ${name}`, async (t) => {
        const { heard, url } = await listening(t)
        const options = configured({ config: Options(httpClientOptions) }, '{ auth: { authenticator: x } }')
        const client = await makeHttpClient(options, [url], { authenticator: adding(name, value) })
        t.after(() => client.close())
        await assert.rejects(client.post(url, [Buffer.from('x')], { headers: {}, abort: NEVER }), {
          name: 'Refused',
          code: 'unauthenticated',
          retry: 'never',
          message: `the authenticator made a header "${name}" that no request can carry`,
        })
        assert.deepEqual(heard, [])
      })

  test('keeps a connection for ever where its time without requests is 0', async (t) => {
    let connections = 0
    const server = net.createServer((socket) => {
      connections++
      socket.on('error', () => {}).on('data', () => socket.write(ANSWER))
      t.after(() => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const url = new URL(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`)
    const options = configured({ config: Options(httpClientOptions) }, '{ idle_conn_timeout: 0, compression: none }')
    const client = await makeHttpClient(options, [url])
    t.after(() => client.close())
    for (let count = 0; count < 3; count++)
      assert.equal((await client.post(url, [Buffer.from('x')], { headers: {}, abort: NEVER })).status, 200)
    assert.equal(connections, 1)
  })

  test('takes no header that HTTP cannot carry', () => {
    const yaml = '{ headers: { x-bin: "a\\r\\nx: y" } }'
    const faults = [...checkHttpClient(configured({ config: Options(httpClientOptions) }, yaml))]
    assert.deepEqual(faults, [{ path: ['headers'], message: 'header "x-bin" has characters that no header may have' }])
  })
})
