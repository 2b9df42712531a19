import assert from 'node:assert/strict'
import { test } from 'node:test'
import { colours } from '../../src/cli/colours.ts'

const TERMINAL = { isTTY: true, hasColors: () => true }
const DUMB = { isTTY: true, hasColors: () => false }
const PIPE = {}

test('colours are for terminals that have them', () => {
  assert.deepEqual(
    [TERMINAL, DUMB, PIPE].map((stream) => colours(stream, {})),
    [true, false, false],
  )
})

test('NO_COLOR turns them off where it says anything', () => {
  assert.equal(colours(TERMINAL, { NO_COLOR: '1' }), false)
  assert.equal(colours(TERMINAL, { NO_COLOR: '' }), true)
})

test('FORCE_COLOR turns them on anywhere, or off, and wins over NO_COLOR', () => {
  assert.equal(colours(PIPE, { FORCE_COLOR: '1' }), true)
  assert.equal(colours(PIPE, { FORCE_COLOR: '', NO_COLOR: '1' }), true)
  assert.equal(colours(TERMINAL, { FORCE_COLOR: '0' }), false)
  assert.equal(colours(TERMINAL, { FORCE_COLOR: 'false' }), false)
})
