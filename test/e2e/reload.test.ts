import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { logs } from '../../src/data/builders/logs.ts'
import { Telegen } from './telegen.ts'
import { freePorts } from '../free-ports.ts'

const PATIENCE = 20_000

const config = (receive: number, backend: number, extra = '') => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${receive}" ${extra} } } } }
exporters:
  otlp_http: { endpoint: "http://127.0.0.1:${backend}", compression: none, retry_on_failure: { initial_interval: 50ms } }
service: { pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } } }
`

const bodyOf = (name: string) => logs({}).record({ body: name }).finish().segments()[0] as Buffer

/** Sends one record over a connection of its own; resolves to the status. */
const post = (port: number, name: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf' }
    request({ host: '127.0.0.1', port, path: '/v1/logs', method: 'POST', headers, agent: false }, (answer) =>
      answer.resume().on('end', () => resolve(answer.statusCode)),
    )
      .on('error', reject)
      .end(bodyOf(name))
  })

/** A backend that keeps what it is sent. */
async function backend() {
  const bodies: Buffer[] = []
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      bodies.push(Buffer.concat(chunks))
      answer.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    has: (name: string) => bodies.some((body) => body.includes(name)),
    close: () => server.close(),
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + PATIENCE; !condition();) {
    if (performance.now() > end) throw new Error(`waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const times = (text: string, part: string) => text.split(part).length - 1
const fileOf = ({ directory }: Telegen) => join(directory, 'telegen.yaml')

/** SIGHUP, and the sentence in which it ends. */
async function reload(telegen: Telegen, ending: string): Promise<void> {
  const before = times(telegen.output, ending)
  telegen.kill('SIGHUP')
  await until(() => times(telegen.output, ending) > before, `"${ending}" in\n${telegen.output}`)
}

describe('SIGHUP', () => {
  test('leads what waits for a dead backend to the one that the corrected configuration names', async () => {
    const [receive, dead] = (await freePorts(2)) as [number, number]
    const good = await backend()
    const telegen = await Telegen.start(config(receive, dead))
    assert.equal(await post(receive, 'before'), 200)
    await writeFile(fileOf(telegen), config(receive, good.port))
    await reload(telegen, 'The new configuration is in effect')
    await until(() => good.has('before'), 'what waited')
    assert.equal(await telegen.stop(), 0)
    good.close()
  })

  test('with a faulty configuration changes nothing and says where the fault is', async () => {
    const [receive] = (await freePorts(1)) as [number]
    const good = await backend()
    const telegen = await Telegen.start(config(receive, good.port))
    await writeFile(
      fileOf(telegen),
      config(receive, good.port).replace('exporters: [otlp_http]', 'exporters: [nowhere]'),
    )
    await reload(telegen, 'The new configuration is refused')
    assert.match(telegen.output, /telegen\.yaml:\d+:\d+: service::pipelines::logs.*nowhere/)
    assert.equal(await post(receive, 'still'), 200)
    await until(() => good.has('still'), 'what came after')
    assert.equal(await telegen.stop(), 0)
    good.close()
  })

  test('refuses no connection while a receiver is exchanged at its address', async () => {
    const [receive] = (await freePorts(1)) as [number]
    const good = await backend()
    const telegen = await Telegen.start(config(receive, good.port))
    let sending = true
    const answers: Promise<number | undefined>[] = []
    const send = () => {
      answers.push(post(receive, `record ${answers.length}.`))
      if (sending) setTimeout(send, 1)
    }
    send()
    for (let count = 1; count <= 5; count++) {
      await writeFile(fileOf(telegen), config(receive, good.port, `, max_request_body_size: ${1_000_000 + count}`))
      await reload(telegen, 'The new configuration is in effect')
    }
    sending = false
    const statuses = await Promise.all(answers)
    assert.deepEqual([...new Set(statuses)], [200])
    await until(() => statuses.every((_, index) => good.has(`record ${index}.`)), 'everything')
    assert.equal(await telegen.stop(), 0)
    good.close()
  })

  test('goes back where an address is taken', async () => {
    const [receive] = (await freePorts(1)) as [number]
    const good = await backend()
    const telegen = await Telegen.start(config(receive, good.port))
    // The backend's own.
    await writeFile(fileOf(telegen), config(good.port, good.port))
    await reload(telegen, 'the old one is back')
    assert.match(telegen.output, /address already in use/)
    assert.equal(await post(receive, 'again'), 200)
    await until(() => good.has('again'), 'what came after')
    assert.equal(await telegen.stop(), 0)
    good.close()
  })
})

test('--watch-config reloads when a ConfigMap turns its link', async () => {
  const [receive, dead] = (await freePorts(2)) as [number, number]
  const good = await backend()
  const telegen = await Telegen.start(config(receive, dead), {
    args: ['--watch-config'],
    prepare: async (directory, yaml) => {
      for (const [version, text] of Object.entries({ '..v1': yaml, '..v2': config(receive, good.port) })) {
        await mkdir(join(directory, version))
        await writeFile(join(directory, version, 'telegen.yaml'), text)
      }
      await symlink('..v1', join(directory, '..data'))
      await symlink(join('..data', 'telegen.yaml'), join(directory, 'telegen.yaml'))
    },
  })
  await symlink('..v2', join(telegen.directory, '..next'))
  await rename(join(telegen.directory, '..next'), join(telegen.directory, '..data'))
  await until(() => telegen.output.includes('The new configuration is in effect'), 'the reload')
  assert.equal(await post(receive, 'after'), 200)
  await until(() => good.has('after'), 'what came after')
  assert.equal(await telegen.stop(), 0)
  good.close()
})
