import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { loadRemote, MAX_FETCHES, MAX_ROUNDS } from '../../src/config/load-remote.ts'
import { fetchDocument, MAX_REDIRECTS } from '../../src/config/sources/fetch.ts'
import { printableUrl } from '../../src/config/sources/url.ts'
import { MAX_TEXT_LENGTH } from '../../src/config/yaml/read.ts'
import { valuesOf } from './load-text.ts'

describe('documents of the network', () => {
  const asked: string[] = []
  let base = ''
  const answers: RequestListener = (request, response) => {
    const url = request.url ?? ''
    asked.push(url)
    const text = TEXTS.get(url)
    if (text !== undefined) response.end(text)
    else if (url.startsWith('/hop/')) {
      const left = Number(url.slice(5))
      response.writeHead(302, { location: left > 1 ? `/hop/${left - 1}` : '/agent.yaml' }).end()
    } else if (url === '/away') response.writeHead(302, { location: 'file:///etc/passwd' }).end()
    else if (url === '/private') {
      const known = request.headers.authorization === `Basic ${Buffer.from('me:p@ss').toString('base64')}`
      response.writeHead(known ? 200 : 401).end('a: secret\n')
    } else if (url === '/packed')
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(MAX_TEXT_LENGTH + 1, '#')))
    else if (url.startsWith('/chain/')) response.end(`next: \${${base}/chain/${Number(url.slice(7)) + 1}}\n`)
    else if (url !== '/silent') response.writeHead(404).end()
  }
  const TEXTS = new Map<string, string>()
  const server = createServer(answers)
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    TEXTS.set('/agent.yaml', `a: 1\nb: \${${base}/sub.yaml}\nc: x\${${base}/word}y\nd: \${${base}/word}\n`)
    TEXTS.set('/sub.yaml', 'x: {y: "${env:Y}"}\n')
    TEXTS.set('/word', '0123')
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const read = (...configs: readonly string[]) =>
    loadRemote({ configs, environment: { Y: '7', HOST: new URL(base).host, PASSWORD: 'hunter2' } })
  const messageOf = async (config: string) => (await read(config)).faults.map(({ message }) => message).join('; ')

  test('are sources, and references in whole and in part; each is fetched once', async () => {
    asked.length = 0
    const loaded = await read(`${base}/agent.yaml`)
    assert.deepEqual(valuesOf(loaded), { a: 1, b: { x: { y: 7 } }, c: 'x0123y', d: 83 })
    assert.deepEqual(asked.sort(), ['/agent.yaml', '/sub.yaml', '/word'])
    assert.deepEqual([...loaded.texts.keys()], [`${base}/agent.yaml`, `${base}/sub.yaml`])
    const b = loaded.root?.entries.get('b')?.node
    assert.ok(b?.kind === 'map')
    assert.deepEqual(b.entries.get('x')?.key, { source: `${base}/sub.yaml`, line: 1, column: 1 })
  })

  test('may have addresses that are put together', async () => {
    assert.deepEqual(valuesOf(await read('yaml:a: ${http://${env:HOST}/sub.yaml}')), { a: { x: { y: 7 } } })
  })

  test('are asked for with the user of the address, which is never printed', async () => {
    const url = base.replace('//', '//me:p%40ss@')
    const loaded = await read(`${url}/private`)
    assert.deepEqual(valuesOf(loaded), { a: 'secret' })
    assert.deepEqual([...loaded.texts.keys()], [`${base.replace('//', '//[REDACTED]@')}/private`])
    assert.match(await messageOf(`${base.replace('//', '//me:hunter2@')}/private`), /status code: 401$/)
    assert.doesNotMatch(JSON.stringify(await read(`${base.replace('//', '//me:hunter2@')}/private`)), /hunter2/)
    assert.equal(printableUrl('https://h/x?token=1'), 'https://h/x?[REDACTED]')
    assert.doesNotMatch(await messageOf('yaml:a: ${http://127.0.0.1:1/${env:PASSWORD}}'), /hunter2/)
  })

  test('that are not there are told with status and place', async () => {
    const { faults } = await read(`yaml:a: \${${base}/none.yaml}`)
    assert.deepEqual(
      faults.map(({ message, place: { source, line, column } }) => `${source}:${line}:${column} ${message}`),
      [
        `yaml::1:4 cannot retrieve the configuration: failed to load resource from uri "${base}/none.yaml". status code: 404`,
      ],
    )
  })

  test('of a server that is not there are told with the reason', async () => {
    assert.match(
      await messageOf('http://127.0.0.1:1/x.yaml'),
      /^cannot retrieve the configuration: unable to download the file via HTTP GET for uri "http:\/\/127\.0\.0\.1:1\/x\.yaml": .+/,
    )
    assert.match(await messageOf('http://'), /invalid uri/)
  })

  test('are waited for until a deadline', async () => {
    const found = await fetchDocument(`${base}/silent`, 50)
    assert.match(found.kind === 'failed' ? found.message : '', /no answer within 0\.05 s$/)
  })

  test('may be behind some redirects, not behind any number, and never in a file', async () => {
    assert.equal((await fetchDocument(`${base}/hop/${MAX_REDIRECTS}`)).kind, 'text')
    assert.match(await messageOf(`${base}/hop/${MAX_REDIRECTS + 1}`), /stopped after 5 redirects$/)
    assert.match(await messageOf(`${base}/away`), /redirected from http:\/\/ to file:\/\/, which is not followed$/)
  })

  test('are no longer than their bound, counted unpacked', async () => {
    assert.match(await messageOf(`${base}/packed`), /longer than 8388608 bytes$/)
  })

  test('do not name one another without end, nor too many', async () => {
    assert.match(await messageOf(`${base}/chain/1`), new RegExp(`more than ${MAX_ROUNDS} documents that each name`))
    const many = Array.from({ length: MAX_FETCHES + 1 }, (_, index) => `"\${${base}/many/${index}}"`)
    assert.match(await messageOf(`yaml:a: [${many.join(', ')}]`), new RegExp(`more than ${MAX_FETCHES} documents`))
  })
})
