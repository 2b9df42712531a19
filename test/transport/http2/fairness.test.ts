import assert from 'node:assert/strict'
import { test } from 'node:test'
import { END_STREAM } from '../raw-http2.ts'
import { Driven } from './driven.ts'
import { headers } from './serving.ts'

/** Calls without a message: each is answered at once. */
const calls = (first: number, count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => headers(first + 2 * index, END_STREAM)))

test('A client that sends without end leaves the event loop to others after a thousand frames', async (t) => {
  const driven = new Driven(t)
  driven.read(calls(1, 900))
  assert.ok(!driven.socket.isPaused())
  driven.read(calls(1801, 900))
  assert.ok(driven.socket.isPaused())
  await driven.settle()
  assert.ok(!driven.socket.isPaused())
})
