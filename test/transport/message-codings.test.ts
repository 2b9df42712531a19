import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { compressMessage, inflateMessage, MESSAGE_CODINGS } from '../../src/transport/message-codings.ts'

const SMALL = Buffer.from('telemetry '.repeat(500))
const LARGE = Buffer.alloc(2 ** 20, 'telemetry ')
const LIMIT = 2 ** 21

describe('Codings of messages', () => {
  for (const coding of MESSAGE_CODINGS.keys()) {
    test(`${coding}: small and large messages come back, from pieces too`, async () => {
      for (const message of [SMALL, LARGE]) {
        const compressed = await compressMessage([message.subarray(0, 99), message.subarray(99)], coding, -1)
        assert.ok(compressed.length < message.length)
        assert.deepEqual(await inflateMessage(compressed, coding, LIMIT), message)
      }
    })

    test(`${coding}: what cannot be made smaller comes back, whatever it takes`, async () => {
      const noise = randomBytes(300_001)
      assert.deepEqual(await inflateMessage(await compressMessage([noise], coding, -1), coding, LIMIT), noise)
    })

    test(`${coding}: small messages are inflated at once, large ones are not`, async () => {
      assert.ok(Buffer.isBuffer(inflateMessage(await compressMessage([SMALL], coding, -1), coding, LIMIT)))
      const large = inflateMessage(await compressMessage([LARGE], coding, -1), coding, LIMIT)
      assert.ok(large instanceof Promise)
      assert.deepEqual(await large, LARGE)
    })
  }

  for (const coding of ['gzip', 'deflate', 'zstd'])
    test(`${coding}: small messages are compressed at once, large ones are not, and the level counts`, async () => {
      assert.ok(Buffer.isBuffer(compressMessage([SMALL], coding, -1)))
      assert.ok(compressMessage([LARGE], coding, -1) instanceof Promise)
      const varied = Buffer.from(Array.from({ length: 3000 }, (_, at) => `span-${(at * 7919) % 1000} `).join(''))
      const fast = compressMessage([varied], coding, 1) as Buffer
      const best = compressMessage([varied], coding, 9) as Buffer
      assert.ok(best.length < fast.length, `${best.length} of ${fast.length}`)
    })

  test('room is taken once for what is inflated at once, and given back where it was too small', () => {
    const compressed = compressMessage([SMALL], 'gzip', -1) as Buffer
    let held = 0
    const taken: number[] = []
    const room = { take: (bytes: number) => void taken.push((held += bytes)), give: () => void (held = 0) }
    inflateMessage(compressed, 'gzip', LIMIT, room)
    assert.deepEqual([taken.length, held], [1, SMALL.length])
  })

  test('what is refused room, broken or too large is thrown', async () => {
    const compressed = compressMessage([SMALL], 'gzip', -1) as Buffer
    const full = new Error('full')
    const take = () => {
      throw full
    }
    assert.throws(() => inflateMessage(compressed, 'gzip', LIMIT, { take, give() {} }), full)
    assert.throws(() => inflateMessage(compressed.subarray(0, 40), 'gzip', LIMIT), { name: 'NotInflatable' })
    await assert.rejects(async () => inflateMessage(compressed, 'gzip', 100), { name: 'TooLarge' })
    assert.throws(() => compressMessage([SMALL], 'br', -1), /no coding of messages br/)
  })
})
