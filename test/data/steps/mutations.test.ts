import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../src/data/batch.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import type { Program } from '../../../src/data/steps/program.ts'
import { run } from '../../../src/data/steps/runner.ts'
import { StepFailed } from '../../../src/data/steps/step-failed.ts'
import type { Edit, RecordLevel, Step } from '../../../src/data/steps/step.ts'
import { hook } from '../../../src/data/views/hook.ts'
import { Arena } from '../../../src/data/wire/arena.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { golden } from '../golden.ts'
import { mutate, randomFrom } from '../mutate.ts'
import { accepts, type OracleSignal } from '../oracle.ts'
import { LEVELS } from './arbitrary-steps.ts'

const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']
const MUTATIONS_OF_EACH = 6700
const SEED = 20_260_131
const LARGEST = 1 << 16

for (const signal of SIGNALS) {
  test(`no truncation of ${signal} makes a chain read past the end or write what cannot be read`, () => {
    const whole = golden(signal)
    const program = compile(signal, chain(signal))
    for (let length = 0; length < whole.length; length++) check(signal, program, whole.subarray(0, length))
  })

  test(`no mutation of ${signal} makes a chain read past the end or write what cannot be read`, () => {
    const whole = golden(signal)
    const program = compile(signal, chain(signal))
    const random = randomFrom(SEED)
    let passed = 0
    for (let round = 0; round < MUTATIONS_OF_EACH; round++) {
      if (check(signal, program, mutate(whole, random))) passed++
    }
    assert.ok(passed > MUTATIONS_OF_EACH / 20 && passed < MUTATIONS_OF_EACH * 0.95, `${passed} passed`)
  })
}

/** Edits of many kinds on every level, and a hook on each that reads all that its view has. */
function chain(signal: OracleSignal): Step[] {
  const levels = LEVELS[signal]
  const put: Edit = { kind: 'insert', path: { attribute: 'new' }, source: { value: 'v' } }
  const edits: Edit[] = [
    put,
    { kind: 'rename', path: { attribute: 'new' }, to: 'newer' },
    { kind: 'upsert', path: { attribute: 'copy' }, source: { path: { on: 'resource', attribute: 'newer' } } },
    { kind: 'hash', path: { attribute: 'copy' }, algorithm: 'sha256' },
    { kind: 'delete_matching', pattern: /key 1.[36]/ },
  ]
  const drop: Step = {
    on: levels.at(-1)!,
    when: { kind: 'matches', path: { attribute: 'key 44 ü' }, pattern: /./, text: 'all' },
    act: { kind: 'drop' },
  }
  return [...levels.map((on): Step => ({ on, act: edits })), drop, ...levels.map(readAll)]
}

const readAll = (on: RecordLevel): Step =>
  hook(on, (record: object) => {
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(record))
    for (const name of names) read((record as Record<string, unknown>)[name])
    const { attributes } = record as { attributes: { toObject(): object; set(key: string, value: number): void } }
    attributes.toObject()
    attributes.set('hook', 1)
  })

function read(value: unknown): void {
  if (typeof value !== 'object' || value === null || !(Symbol.iterator in value)) return
  for (const element of value as Iterable<unknown>) void element
}

/** Says whether the bytes are valid. What stands around them in memory must not matter. */
function check(signal: OracleSignal, program: Program, bytes: Buffer): boolean {
  const first = outcome(signal, program, bytes, 0x00)
  assert.deepEqual(outcome(signal, program, bytes, 0xff), first)
  const items = itemsOf(signal, bytes)
  if (items === undefined) return false
  assert.ok(Buffer.isBuffer(first), `valid, but ${String(first)}`)
  assert.ok(itemsOf(signal, first)! <= items)
  assert.ok(!accepts(signal, bytes) || accepts(signal, first), 'the oracle cannot read what the chain wrote')
  return true
}

/** What the chain makes of the bytes, or why they are malformed. The arena's memory is full of `filling` before. */
function outcome(signal: OracleSignal, program: Program, bytes: Buffer, filling: number): Buffer | string {
  const arena = new Arena()
  arena.open(LARGEST)
  arena.buffer.fill(filling)
  arena.close()
  try {
    const { batch } = run(program, batchOf(signal, Infinity, bytes))
    return batch === undefined ? Buffer.alloc(0) : Buffer.concat([join(batch)])
  } catch (error) {
    const cause = error instanceof StepFailed ? error.cause : error
    if (cause instanceof Malformed) return cause.reason
    throw error
  }
}

function itemsOf(signal: OracleSignal, bytes: Buffer): number | undefined {
  try {
    return validate(signal, bytes)
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}
