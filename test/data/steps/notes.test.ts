/** What validation notes for steps is theirs only where it is of the same request, and of that as long as it is the last one. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { batchOf, type WireBatch } from '../../../src/data/batch.ts'
import { logs } from '../../../src/data/builders/logs.ts'
import { traces } from '../../../src/data/builders/traces.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import type { Program } from '../../../src/data/steps/program.ts'
import { run } from '../../../src/data/steps/runner.ts'
import type { Step } from '../../../src/data/steps/step.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { notes } from '../../../src/data/wire/notes.ts'

const dropping = (key: string): Step[] => [
  {
    on: 'span',
    when: { kind: 'compare', path: { attribute: key }, operator: '==', value: 'yes' },
    act: { kind: 'drop' },
  },
]

/** What a program has once looked for is noted for all that follow, so tests have keys of their own. */
const THIRDS = ['skip', 'late', 'second']

/** So many spans: `no` says yes in every second, the others in every third. */
function request(spans: number): Buffer {
  const builder = traces({ 'service.name': 'shop' }, { name: 'test' })
  for (let index = 0; index < spans; index++)
    builder.span({
      traceId: 'ab'.repeat(16),
      spanId: 'cd'.repeat(8),
      name: `span ${index}`,
      start: 1n,
      end: 2n,
      attributes: {
        no: index % 2 === 0 ? 'yes' : 'x',
        ...Object.fromEntries(THIRDS.map((key) => [key, index % 3 === 0 ? 'yes' : 'x'])),
        other: index,
      },
    })
  return join(builder.finish())
}

function validated(bytes: Buffer): WireBatch<'traces'> {
  const items = validate('traces', bytes)
  return batchOf('traces', items, bytes, notes.generation) as WireBatch<'traces'>
}

const dropped = (program: Program, batch: WireBatch<'traces'>): number => run(program, batch).dropped

describe('notes', () => {
  const bytes = request(12)
  let program: Program
  beforeEach(() => {
    program = compile('traces', dropping('no'))
  })

  test('are there from the second request on, and are used', () => {
    assert.equal(notes.have(program.wishes, validated(bytes)), false)
    const batch = validated(bytes)
    assert.equal(notes.have(program.wishes, batch), true)
    assert.equal(dropped(program, batch), 6)
    // Each record takes a header and an entry: with that of the second the first stays, too.
    notes.tape.copyWithin(4, 12, 16)
    assert.equal(dropped(program, batch), 5)
  })

  test('serve several programs at once, each of which finds what it looks for', () => {
    const other = compile('traces', dropping('skip'))
    for (let turn = 0; turn < 3; turn++) {
      const batch = validated(bytes)
      assert.deepEqual([dropped(program, batch), dropped(other, batch), dropped(program, batch)], [6, 4, 6])
    }
  })

  test('of another request are not looked at, though that came from the same buffer', () => {
    dropped(program, validated(bytes))
    const first = validated(bytes)
    const second = validated(request(30))
    assert.equal(notes.have(program.wishes, first), false)
    assert.equal(dropped(program, first), 6)
    assert.equal(dropped(program, second), 15)
  })

  test('that were taken before a program said what it looks for are not its own', () => {
    dropped(program, validated(bytes))
    const batch = validated(bytes)
    const late = compile('traces', dropping('late'))
    assert.deepEqual([dropped(late, batch), dropped(late, batch), dropped(program, batch)], [4, 4, 6])
  })

  test('are for the first walk over a request, not for those after it', () => {
    const resource = { on: 'resource', attribute: 'seen' } as const
    const walks: Step[] = [
      {
        on: 'span',
        when: { kind: 'compare', path: { attribute: 'no' }, operator: '==', value: 'never' },
        act: { kind: 'upsert', path: resource, source: { value: 'yes' } },
      },
      { on: 'resource', when: { kind: 'exists', path: resource }, act: { kind: 'drop' } },
      ...dropping('second'),
    ]
    const twice = compile('traces', walks)
    assert.equal(twice.visits.length, 2)
    for (let turn = 0; turn < 3; turn++) assert.equal(dropped(twice, validated(bytes)), 4)
  })

  test('of a request that is refused half way are of no use to the next', () => {
    dropped(program, validated(bytes))
    assert.throws(() => validate('traces', bytes.subarray(0, bytes.length - 5)), Malformed)
    assert.equal(dropped(program, validated(bytes)), 6)
  })

  test('have a bound, behind which records are scanned', () => {
    const large = request(40_000)
    dropped(program, validated(bytes))
    const batch = validated(large)
    assert.equal(notes.length < notes.tape.length, true)
    assert.equal(dropped(program, batch), 20_000)
  })

  test('are not taken of signals that no program looks into', () => {
    dropped(program, validated(bytes))
    validate(
      'logs',
      join(
        logs({}, { name: 'test' })
          .record({ body: 'text', attributes: { no: 'yes' } })
          .finish(),
      ),
    )
    assert.equal(notes.length, 0)
  })
})
