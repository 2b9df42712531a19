import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ListenAddress } from '../../src/transport/address.ts'
import { listenAddress, parseHostPort } from '../../src/transport/address.ts'
import { listen } from '../../src/transport/listen.ts'
import { quiet } from './quiet.ts'

describe('An address', () => {
  test('is a host and a port', () => {
    for (const [text, host, port] of [
      ['localhost:4317', 'localhost', 4317],
      [':80', '', 80],
      ['[::1]:1', '::1', 1],
      ['0.0.0.0:0', '0.0.0.0', 0],
    ] as const)
      assert.deepEqual(parseHostPort(text), { host, port })
  })

  test('is told from what is none', () => {
    for (const text of ['localhost', '::1:80', 'a:b', 'a:70000', 'a:', '[::1]', 'http://a:1'])
      assert.throws(() => parseHostPort(text), Error, text)
    assert.throws(() => listenAddress('', 'tcp'), /requires a non-empty "endpoint"/)
  })
})

describe('Listening', () => {
  const bound = async (address: ListenAddress) => {
    const server = net.createServer()
    const listening = await listen(server, address, quiet)
    await listening.close()
    return listening.address
  }

  test('finds a free port', async () => {
    const found = await bound(listenAddress('127.0.0.1:0', 'tcp'))
    assert.ok(found.kind === 'tcp' && found.port > 0)
  })

  test('takes the IPv4 address of a name that has both', async () => {
    const listening = await listen(net.createServer(), listenAddress('localhost:0', 'tcp'), quiet)
    const { port } = listening.address as { port: number }
    await new Promise<void>((resolve, reject) => {
      const client = net.connect({ host: '127.0.0.1', port }, () => {
        client.destroy()
        resolve()
      })
      client.once('error', reject)
    })
    await listening.close()
  })

  test('names an address that is not of this machine, and a folder that is not there', async () => {
    await assert.rejects(bound(listenAddress('192.0.2.1:80', 'tcp')), {
      message: 'listen tcp 192.0.2.1:80: bind: cannot assign requested address',
    })
    await assert.rejects(
      bound({ kind: 'unix', path: '/nowhere/x.sock' }),
      /^Error: listen unix \/nowhere\/x.sock: bind: /,
    )
  })

  test('a file that is no socket is left alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'telegen-listen-'))
    const path = join(folder, 'precious')
    writeFileSync(path, 'data')
    await assert.rejects(bound({ kind: 'unix', path }), /bind: address already in use/)
    assert.ok(existsSync(path))
    rmSync(folder, { recursive: true })
  })
})
