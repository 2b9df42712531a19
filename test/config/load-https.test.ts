import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fetchDocument } from '../../src/config/sources/fetch.ts'
import { Authority, withoutOpenssl } from '../transport/certificates.ts'

const FETCH = new URL('../../src/config/sources/fetch.ts', import.meta.url).href

test(
  'documents come over https only from servers whose certificate is trusted, and not onward over http',
  { skip: withoutOpenssl },
  async () => {
    const authority = new Authority()
    const { cert, key } = authority.sign('localhost')
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
      if (request.url === '/down') response.writeHead(302, { location: 'http://127.0.0.1:2/' }).end()
      else response.end('a: 1\n')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const base = `https://localhost:${(server.address() as AddressInfo).port}`
    try {
      const found = await fetchDocument(`${base}/agent.yaml`)
      assert.ok(found.kind === 'failed')
      assert.match(found.message, /unable to verify the first certificate|self.signed certificate/)
      assert.equal(found.hint, 'trust the CA that signed it: NODE_EXTRA_CA_CERTS=ca.pem')
      // The trusted authorities of a process are read when it starts.
      const told = async (path: string) => JSON.parse(await inProcess(`${base}${path}`, authority.ca.cert)) as unknown
      assert.deepEqual(await told('/agent.yaml'), { kind: 'text', text: 'a: 1\n' })
      assert.match(
        JSON.stringify(await told('/down')),
        /redirected from https:\/\/ to http:\/\/, which is not followed/,
      )
    } finally {
      server.closeAllConnections()
      server.close()
      authority[Symbol.dispose]()
    }
  },
)

function inProcess(url: string, ca: string): Promise<string> {
  const program = `import { fetchDocument } from '${FETCH}'; console.log(JSON.stringify(await fetchDocument('${url}')))`
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: ca }
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  execFile(process.execPath, ['--input-type=module', '-e', program], { env, timeout: 30_000 }, (failed, stdout) =>
    failed ? reject(failed) : resolve(stdout),
  )
  return promise
}
