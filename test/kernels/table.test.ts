import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from './judge.ts'
import { columnOf, kernelsPage } from './table.ts'
import { findings } from './told.ts'

const right: Verdict = { tracer: 'http', rung: 'tp_btf', state: 'right', reasons: [] }
const refused: Verdict = { tracer: 'http', rung: 'fentry', state: 'unavailable', reasons: ['fentry: EPERM'] }
const [first] = findings.programs
const everything = { ...findings, kernel: '6.12.0', programs: [first!] }
const page = kernelsPage({
  '6.1': columnOf(findings, [right, refused]),
  '6.12': columnOf(everything, [right]),
  local: columnOf({ ...everything, kernel: '7.0.0-mine' }, []),
})

test('has a column for each kernel, this machine’s being the host', () => {
  assert.match(page, /^\| tracer \| hook \| 6\.1\.0-1-cloud-amd64 \| 6\.12\.0 \| 7\.0\.0-mine \(host\) \|$/m)
})

test('says of each tracer and hook how it did, and nothing where it did not run', () => {
  assert.match(page, /^\| http \| tp_btf \| right \| right \| {2}\|$/m)
  assert.match(page, /^\| http \| fentry \| no \(1\) \| {2}\| {2}\|$/m)
})

test('says of each program whether it was attached, with one note for the same reason', () => {
  assert.match(page, /^\| http \| tp_btf \| `socket_enter` \| yes \| yes \| yes \|$/m)
  assert.match(page, /^\| http \| fentry \| `socket_send` \| no \(2\) \| {2}\| {2}\|$/m)
  assert.match(page, /^\| http \| fentry \| `socket_sent` \| no \(2\) \| {2}\| {2}\|$/m)
  assert.match(page, /^1\. fentry: EPERM\n2\. it was refused: EPERM\n3\. EPERM at load \(Operation not permitted\)$/m)
})

test('says of each type of program whether it works', () => {
  assert.match(page, /^\| tp_btf \| yes \| yes \| yes \|$/m)
  assert.match(page, /^\| fentry \| no \(3\) \| no \(3\) \| no \(3\) \|$/m)
})

test('keeps no verifier’s log', () => {
  const [program] = columnOf({ ...findings, programs: [{ ...first!, log: 'R2 min value' }] }, []).programs
  assert.deepEqual(program, { tracer: 'http', rung: 'tp_btf', program: 'socket_enter' })
})
