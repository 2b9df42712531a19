import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frame, int32, setting, TYPE } from '../../raw-http2.ts'
import { answering, caller, rawServer } from './raw-server.ts'

const INITIAL_WINDOW_SIZE = 4
/** Each takes two credits: more than would be borne of frames that move nothing on. */
const FRAMES = 9000

test('a server that gives credit for each of many small frames is no flood', async (t) => {
  const server = await rawServer(t, {
    first: frame(TYPE.settings, 0, 0, setting(INITIAL_WINDOW_SIZE, 1)),
    heard: (peer, heard) => {
      const { type, stream, payload } = heard
      if (type === TYPE.data && payload.length > 0)
        peer.send(...[0, stream].map((each) => frame(TYPE.windowUpdate, 0, each, int32(payload.length))))
      answering(peer, heard)
    },
  })
  const call = await caller(t, server.port)
  // The settings have come with its answer, at the latest.
  await call()
  assert.equal(await call('a'.repeat(FRAMES)), 'x')
  const sent = server.peers[0]?.count(TYPE.data) ?? 0
  assert.ok(sent > FRAMES, `${sent} frames`)
})
