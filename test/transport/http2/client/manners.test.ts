import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { frame, int32, setting, TYPE } from '../../raw-http2.ts'
import { until } from '../../until.ts'
import { caller, connected, rawServer } from './raw-server.ts'
import type { RawPeer } from './raw-server.ts'

const INITIAL_WINDOW = 4
const INTERNAL_ERROR = 2

describe('A client', () => {
  test('resets no stream that the server has reset, though most of its message has not left', async (t) => {
    const server = await rawServer(t, {
      first: frame(TYPE.settings, 0, 0, setting(INITIAL_WINDOW, 10)),
      heard(peer, { type, stream }) {
        if (type !== TYPE.data) return
        if (stream === 1) peer.send(frame(TYPE.reset, 0, stream, int32(INTERNAL_ERROR)))
        else peer.answer(stream)
      },
    })
    const call = await caller(t, server.port)
    await assert.rejects(call('y'.repeat(100)), { code: 'internal' })
    assert.equal(await call('y'), 'x')
    assert.equal(server.peers.length, 1)
    assert.equal(server.peers[0]!.find(TYPE.reset, 1), undefined)
  })

  test('pings a server of which nothing comes, though requests begin all the time', async (t) => {
    const server = await rawServer(t)
    const call = await caller(t, server.port, 'keepalive: { time: 200ms, timeout: 200ms }')
    const calls: Promise<unknown>[] = []
    const ask = () => void calls.push(call('x', { timeout: 0 }).catch((error: Error) => error.message))
    ask()
    await connected(server)
    const peer = server.peers[0] as RawPeer
    const more = setInterval(ask, 50)
    t.after(() => clearInterval(more))
    await until(() => peer.count(TYPE.ping) > 0, 'a ping')
    assert.equal(await calls[0], 'the server does not answer pings')
  })
})
