import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ACK, REFUSED_STREAM } from '../../../../src/transport/http2/frames.ts'
import { END_STREAM, frame, int32, setting, TYPE } from '../../raw-http2.ts'
import { answering, caller, rawServer } from './raw-server.ts'

const MAX_STREAMS = 3
const mostStreams = (count: number): Buffer => frame(TYPE.settings, 0, 0, setting(MAX_STREAMS, count))

describe('Requests that wait for room on a connection', () => {
  test('go on where the server refuses the only one that is under way', async (t) => {
    let requests = 0
    const server = await rawServer(t, {
      first: Buffer.alloc(0),
      heard(peer, heard) {
        // There is room for one request, on the first connection.
        if (heard.type === TYPE.settings && !(heard.flags & ACK))
          peer.send(mostStreams(peer === server.peers[0] ? 1 : 0))
        if (heard.type !== TYPE.data || !(heard.flags & END_STREAM)) return
        if (++requests > 1) answering(peer, heard)
        else setTimeout(() => peer.send(frame(TYPE.reset, 0, heard.stream, int32(REFUSED_STREAM))), 100)
      },
    })
    const call = await caller(t, server.port)
    const calls = Array.from({ length: 5 }, () => call('x', { timeout: 3000 }))
    assert.deepEqual(await Promise.all(calls), ['x', 'x', 'x', 'x', 'x'])
    assert.equal(requests, 6)
  })
})
