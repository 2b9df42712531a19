import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { logs } from '../../src/data/builders/logs.ts'
import { Telegen } from './telegen.ts'
import { freePorts } from '../free-ports.ts'

const withDeadBackend = (receive: number, dead: number) => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${receive}" } } } }
exporters: { otlp_http: { endpoint: "http://127.0.0.1:${dead}" } }
service: { pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } } }
`

const toDebug = (receive: number) => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${receive}" } } } }
exporters: { debug: }
service: { extensions: [stray], pipelines: { logs: { receivers: [otlp], exporters: [debug] } } }
`

const body = logs({}).record({ body: 'x' }).finish().segments()[0] as Buffer

const post = (port: number) =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf' }
    request({ host: '127.0.0.1', port, path: '/v1/logs', method: 'POST', headers }, (answer) =>
      answer.resume().on('end', resolve),
    )
      .on('error', reject)
      .end(body)
  })

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time))

test('SIGTERM ends it at once when there is nothing left to send', async () => {
  const [receive, dead] = (await freePorts(2)) as [number, number]
  const telegen = await Telegen.start(withDeadBackend(receive, dead))
  assert.equal(await telegen.stop(), 0)
  assert.match(telegen.output, /Stopped/)
})

test('a signal that comes twice within half a second is one, and a later one ends the drain; what was left is counted', async () => {
  const [receive, dead] = (await freePorts(2)) as [number, number]
  const telegen = await Telegen.start(withDeadBackend(receive, dead))
  await post(receive)
  telegen.kill('SIGINT')
  telegen.kill('SIGINT')
  await pause(700)
  assert.doesNotMatch(telegen.output, /Stopped/, 'it still drains')
  assert.equal(await telegen.stop(), 0)
  assert.match(telegen.output, /Dropping data\..*"component":"otlp_http".*"items":1/)
})

test('a plugin that throws in a callback of its own is reported, and everything goes on', async () => {
  const plugin = join(tmpdir(), `telegen-stray-${process.pid}.mjs`)
  await writeFile(
    plugin,
    `import { defineExtension, Options } from 'telegen/plugin'
     export default defineExtension({ type: 'stray', summary: 'Throws in a timer.', stability: { extension: 'development' }, config: Options({}),
       create: () => ({ start: async () => { setTimeout(() => { throw new Error('stray bullet') }, 50) } }) })`,
  )
  const [receive] = (await freePorts(1)) as [number]
  const telegen = await Telegen.start(`plugins: [${plugin}]\nextensions: { stray: }\n${toDebug(receive)}`)
  for (let wait = 0; wait < 100 && !telegen.output.includes('stray bullet'); wait++) await pause(20)
  assert.match(telegen.output, /A component threw where nobody could catch it.*stray bullet/)
  await post(receive)
  assert.equal(await telegen.stop(), 0)
})
