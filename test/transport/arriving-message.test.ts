import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ArrivingMessage, InflatedBytes } from '../../src/transport/arriving-message.ts'

const LIMIT = 256 * 2 ** 20

describe('Messages that arrive together', () => {
  test('take no more memory than a bound, until their methods have them', async () => {
    const all = new InflatedBytes()
    const [first, second] = [new ArrivingMessage(all), new ArrivingMessage(all)]
    await first.inflating(async () => assert.ok(first.take(LIMIT)))
    assert.ok(!second.take(1))
    first.end()
    assert.ok(second.take(LIMIT))
    second.end()
    assert.ok(all.take(LIMIT))
  })

  test('hold their memory while they are inflated, also where their call has ended', async () => {
    const all = new InflatedBytes()
    const message = new ArrivingMessage(all)
    const { promise, resolve } = Promise.withResolvers<void>()
    const inflating = message.inflating(async () => {
      assert.ok(message.take(LIMIT))
      await promise
    })
    message.end()
    assert.ok(!all.take(1))
    assert.ok(!message.take(0), 'nobody waits for it')
    resolve()
    await inflating
    assert.ok(all.take(LIMIT))
  })

  test('hold nothing where they could not be inflated', async () => {
    const all = new InflatedBytes()
    const message = new ArrivingMessage(all)
    const failing = message.inflating(async () => {
      message.take(LIMIT)
      throw new Error('broken')
    })
    await assert.rejects(failing, /broken/)
    assert.ok(all.take(LIMIT))
  })
})
