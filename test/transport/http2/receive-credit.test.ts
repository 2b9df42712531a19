import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { END_STREAM } from '../raw-http2.ts'
import { Driven, MIB, PATIENCE } from './driven.ts'

describe('A connection that we give no credit', () => {
  /** So much is with methods that nothing more is let in, and a message of 20 MiB has come in part. */
  async function exhausted(t: TestContext): Promise<{ driven: Driven; sent: number }> {
    const driven = new Driven(t)
    await driven.settle()
    for (const stream of [1, 3, 5, 7]) {
      driven.begin(stream, 5 * MIB)
      await driven.send(stream, 5 * MIB, END_STREAM)
    }
    assert.equal(driven.answer.length, 4)
    driven.begin(9, 20 * MIB)
    const sent = await driven.send(9, 20 * MIB)
    assert.ok(sent < 20 * MIB)
    return { driven, sent }
  }

  test('has no message that is late', async (t) => {
    const { driven } = await exhausted(t)
    for (let now = PATIENCE; now < 10 * PATIENCE; now += PATIENCE) await driven.lookAt(now)
    assert.equal(driven.hasEnded(9), false)
  })

  test('has for each message its time anew when there is some', async (t) => {
    const { driven, sent } = await exhausted(t)
    await driven.lookAt(PATIENCE)
    driven.now = 2 * PATIENCE - 1
    driven.answer.splice(0).forEach((answer) => answer())
    await driven.settle()
    assert.ok(driven.window > 0)
    await driven.lookAt(2 * PATIENCE + 1)
    assert.equal(driven.hasEnded(9), false)
    await driven.send(9, 20 * MIB - sent, END_STREAM)
    assert.equal(driven.answer.length, 1)
  })

  test('has messages that are late again from then on', async (t) => {
    const { driven } = await exhausted(t)
    driven.now = 1000
    driven.answer.splice(0).forEach((answer) => answer())
    await driven.settle()
    await driven.lookAt(1000 + PATIENCE)
    assert.equal(driven.hasEnded(9), true)
  })
})
