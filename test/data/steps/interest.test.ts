/** Tapes that hold only what the steps look for must lead to what whole ones lead to: a hook, which may look at anything, makes them whole. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batchOf } from '../../../src/data/batch.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import type { Condition, Step } from '../../../src/data/steps/step.ts'
import { notes } from '../../../src/data/wire/notes.ts'
import { attribute, embed, fixed64, inRecord, number, tag, varint } from '../wire-bytes.ts'

const ATTRIBUTES = 9
const KEY = 'method'
const LONG = 'x'.repeat(200)

const keyValue = (...content: (Buffer | string)[]): Buffer => embed(ATTRIBUTES, ...content)
/** A length in more bytes than it needs. */
const wide = (field: number, content: Buffer): Buffer =>
  Buffer.concat([tag(field, 2), Buffer.from([content.length | 0x80, 0]), content])

/** Fields of a span, as encoders write them and as they may be written besides. */
const PIECES: readonly Buffer[] = [
  attribute(ATTRIBUTES, KEY, 'GET'),
  attribute(ATTRIBUTES, KEY, 'POST'),
  attribute(ATTRIBUTES, KEY, LONG),
  attribute(ATTRIBUTES, 'other', 'GET'),
  attribute(ATTRIBUTES, 'mythod', 'GET'),
  attribute(ATTRIBUTES, 'other', LONG),
  attribute(ATTRIBUTES, LONG, 'GET'),
  attribute(ATTRIBUTES, '', 'GET'),
  attribute(ATTRIBUTES, 'new', 'there'),
  keyValue(embed(1, KEY)),
  keyValue(embed(1, KEY), embed(2)),
  keyValue(embed(1, KEY), embed(2, embed(1, ''))),
  keyValue(embed(1, KEY), embed(2, number(3, 300))),
  keyValue(embed(1, 'other'), embed(2, embed(1, 'GET')), embed(1, KEY)),
  keyValue(embed(2, embed(1, 'GET')), embed(1, KEY)),
  keyValue(embed(1, KEY), embed(2, embed(1, 'POST'), embed(1, 'GET'))),
  keyValue(embed(1, KEY), embed(2, embed(1, 'POST')), embed(2, embed(1, 'GET'))),
  keyValue(embed(1, KEY), wide(2, embed(1, 'GET'))),
  wide(ATTRIBUTES, Buffer.concat([embed(1, KEY), embed(2, embed(1, 'GET'))])),
  embed(1, Buffer.alloc(16, 7)),
  embed(1, Buffer.alloc(16, 9)),
  embed(5, 'name'),
  embed(5, LONG),
  fixed64(7, 5n),
  number(6, 3),
  number(10, 2 ** 40),
  Buffer.concat([tag(16, 5), Buffer.alloc(4, 1)]),
  Buffer.concat([varint(0x0a), Buffer.from([0x80, 0x00])]),
  number(2000, 7),
  embed(2000, 'unknown'),
]

const is = (value: string, operator: '==' | '!=' = '=='): Condition => ({
  kind: 'compare',
  path: { attribute: KEY },
  operator,
  value,
})
const dropIf = (when: Condition): Step => ({ on: 'span', when, act: { kind: 'drop' } })
const insert: Step = { on: 'span', act: { kind: 'insert', path: { attribute: 'new' }, source: { value: 'v' } } }
const sample = dropIf({ kind: 'sampled', path: { field: 'trace_id' }, ratio: 0.5, seed: 1 })
const look: Step = { on: 'span', act: () => undefined }

const CHAINS: Readonly<Record<string, readonly Step[]>> = {
  'dropped for a text': [dropIf(is('GET')), insert],
  'dropped for the empty text': [dropIf(is('')), insert],
  'dropped for not having a text': [dropIf(is('GET', '!=')), insert],
  'dropped where it is not true that they have a text': [dropIf({ kind: 'not', of: is('GET') }), insert],
  'dropped for a text, then sampled': [insert, dropIf(is('GET')), sample],
  'dropped for the text of an attribute without a name': [
    insert,
    dropIf({ kind: 'compare', path: { attribute: '' }, operator: '==', value: 'GET' }),
  ],
  'dropped for their name': [
    dropIf({ kind: 'compare', path: { field: 'name' }, operator: '==', value: 'name' }),
    insert,
  ],
}

/** The same where validation noted what the steps look for, twice, as a program is noted for from its second request on. */
function afterNotes(bytes: Buffer, steps: readonly Step[]): string {
  const program = compile('traces', steps)
  const pass = (): string => {
    const items = validate('traces', bytes)
    const { batch, dropped } = run(program, batchOf('traces', items, bytes, notes.generation))
    return `${dropped} dropped, ${batch === undefined ? 'nothing' : join(batch).toString('hex')} left`
  }
  pass()
  return pass()
}

const after = (bytes: Buffer, steps: readonly Step[]): string => {
  const { batch, dropped } = run(compile('traces', steps), batchOf('traces', count('traces', bytes), bytes))
  return `${dropped} dropped, ${batch === undefined ? 'nothing' : join(batch).toString('hex')} left`
}

describe('records of any fields', () => {
  for (const [what, steps] of Object.entries(CHAINS)) {
    test(`come to the same, ${what}, whether their tapes are whole or not, and whether they were noted`, () => {
      fc.assert(
        fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }), (pieces) => {
          const bytes = inRecord(...pieces)
          const whole = after(bytes, [...steps, look])
          assert.equal(after(bytes, steps), whole)
          assert.equal(afterNotes(bytes, steps), whole)
        }),
        { numRuns: 400 },
      )
    })
  }
})

test('of two attributes with one key the first says whether a record is dropped', () => {
  const [get, post] = [attribute(ATTRIBUTES, KEY, 'GET'), attribute(ATTRIBUTES, KEY, 'POST')]
  assert.match(after(inRecord(get, post), [dropIf(is('GET'))]), /^1 dropped/)
  assert.match(after(inRecord(post, get), [dropIf(is('GET'))]), /^0 dropped/)
})
