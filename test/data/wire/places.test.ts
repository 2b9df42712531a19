import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Places } from '../../../src/data/wire/places.ts'

test('places grow with their entries, and what was much is given back when they are forgotten', () => {
  const places = new Places()
  const first = places.places.length
  for (let index = 0; index < 1000; index++) places.push(index, index + 1)
  assert.equal(places.count, 1000)
  for (let index = 0; index < 1000; index++)
    assert.deepEqual([...places.places.subarray(index * 2, index * 2 + 2)], [index, index + 1])
  const { length } = places.places
  places.clear(length)
  assert.deepEqual([places.count, places.places.length], [0, length])
  places.clear(length - 1)
  assert.equal(places.places.length, first)
})
