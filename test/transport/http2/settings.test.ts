import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PeerSettings, settingsFrame } from '../../../src/transport/http2/settings.ts'
import { frame, setting, TYPE } from '../raw-http2.ts'

const applied = (peer: 'client' | 'server', ...settings: readonly [number, number][]) => {
  const all = new PeerSettings(peer)
  const payload = Buffer.concat(settings.map(([id, value]) => setting(id, value)))
  all.apply(payload, 0, payload.length)
  return all
}

describe('SETTINGS', () => {
  test('are written as RFC 9113 has them', () => {
    const settings = [
      [3, 100],
      [4, 2 ** 31 - 1],
    ] as const
    assert.deepEqual(
      settingsFrame(settings),
      frame(TYPE.settings, 0, 0, Buffer.concat(settings.map(([id, value]) => setting(id, value)))),
    )
  })

  test('of a peer are taken, the last of each counts, and unknown ones do nothing', () => {
    const { headerTable, maxStreams, window, frame, headerList } = applied(
      'client',
      [1, 0],
      [2, 1],
      [3, 7],
      [4, 1],
      [4, 5],
      [5, 20_000],
      [6, 9],
      [77, 1],
    )
    assert.deepEqual([headerTable, maxStreams, window, frame, headerList], [0, 7, 5, 20_000, 9])
  })

  test('that nobody may send are refused', () => {
    assert.throws(() => applied('client', [2, 2]), { code: 1 })
    assert.throws(() => applied('server', [2, 1]), { code: 1 })
    assert.throws(() => applied('client', [4, 2 ** 31]), { code: 3 })
    assert.throws(() => applied('client', [5, 16_383]), { code: 1 })
    assert.throws(() => applied('client', [5, 2 ** 24]), { code: 1 })
    assert.throws(() => new PeerSettings('client').apply(Buffer.alloc(7), 0, 7), { code: 6 })
  })
})
