import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { batchOf, overdrawnSlab, WireBatch, type Batch } from '../../../src/data/batch.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { join, merge } from '../../../src/data/kernels/merge.ts'
import { ByteBudget, Overdrawn } from '../../../src/data/memory/byte-budget.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import { StepFailed } from '../../../src/data/steps/step-failed.ts'
import { DROP, type Condition, type Hook, type Step } from '../../../src/data/steps/step.ts'
import { hook } from '../../../src/data/views/hook.ts'
import { logRecords } from '../../../src/data/views/records.ts'

const logs = (...severities: string[]): Batch<'logs'> =>
  fromObject('logs', {
    resourceLogs: [{ scopeLogs: [{ logRecords: severities.map((severityText) => ({ severityText })) }] }],
  })

/** A copy whose memory is charged to the budget. */
function charged(batch: Batch<'logs'>, budget: ByteBudget): Batch<'logs'> {
  const bytes = join(batch)
  const slab = overdrawnSlab(bytes.length, budget)
  slab.buffer.set(bytes)
  return new WireBatch('logs', batch.items, [{ slab, buffer: slab.buffer.subarray(0, bytes.length) }])
}

const severityIs = (value: string): Condition => ({
  kind: 'compare',
  path: { field: 'severity_text' },
  operator: '==',
  value,
})
const drop = (severity: string): Step => ({ on: 'logRecord', when: severityIs(severity), act: { kind: 'drop' } })
const insert = (key: string, when?: Condition): Step => ({
  on: 'logRecord',
  act: { kind: 'insert', path: { attribute: key }, source: { value: 'v' } },
  ...(when && { when }),
})

function texts(batch: Batch<'logs'>): string[] {
  const all: string[] = []
  for (const record of logRecords(batch)) all.push(record.severityText)
  return all
}

describe('a run', () => {
  test('returns the batch itself, retained, where nothing changed', () => {
    const budget = new ByteBudget(1 << 20)
    const batch = charged(logs('info', 'warn'), budget)
    const program = compile('logs', [drop('fatal'), insert('k', severityIs('fatal'))])
    const ran = run(program, batch)
    assert.deepEqual(ran, { batch, dropped: 0 })
    batch.release()
    assert.ok(budget.used > 0, 'the second reference holds it')
    batch.release()
    assert.equal(budget.used, 0)
  })

  test('says which step dropped how many, whatever order they are done in', () => {
    const batch = logs('info', 'warn', 'warn', 'fatal')
    const all: Step = { on: 'resource', act: { kind: 'drop' }, when: { kind: 'literal', value: false } }
    const program = compile('logs', [insert('k'), drop('warn'), all, drop('fatal')])
    run(program, batch).batch?.release()
    assert.deepEqual([...program.droppedBy], [0, 2, 0, 1])
    run(program, logs('info')).batch?.release()
    assert.deepEqual([...program.droppedBy], [0, 0, 0, 0])
  })

  test('counts what stood in a container that was dropped', () => {
    const program = compile('logs', [drop('info'), { on: 'resource', act: { kind: 'drop' } }])
    assert.equal(run(program, logs('warn', 'warn', 'info')).batch, undefined)
    assert.equal(program.droppedBy[0]! + program.droppedBy[1]!, 3)
  })

  test('returns nothing where everything was dropped, and leaves the input to its owner', () => {
    const budget = new ByteBudget(1 << 20)
    const batch = charged(logs('info', 'info'), budget)
    assert.deepEqual(run(compile('logs', [drop('info')]), batch), { batch: undefined, dropped: 2 })
    assert.deepEqual(texts(batch), ['info', 'info'])
    batch.release()
    assert.equal(budget.used, 0)
  })

  test('makes a new batch, exactly sized, charged to the same budget, and counts items without a scan', () => {
    const budget = new ByteBudget(1 << 20)
    const batch = charged(logs('info', 'warn', 'info', 'error'), budget)
    const held = budget.used
    const { batch: made, dropped } = run(compile('logs', [drop('info'), insert('k')]), batch)
    assert.equal(dropped, 2)
    assert.equal(made!.items, 2)
    assert.equal(made!.bytes, join(made!).length)
    assert.deepEqual(texts(made!), ['warn', 'error'])
    assert.ok(budget.used > held)
    batch.release()
    made!.release()
    assert.equal(budget.used, 0)
  })

  test('shares the segments that did not change with the batch', () => {
    const budget = new ByteBudget(1 << 20)
    const parts = [charged(logs('info'), budget), charged(logs('warn'), budget), charged(logs('fatal'), budget)]
    const whole = merge(parts)
    for (const part of parts) part.release()
    const { batch: made } = run(compile('logs', [insert('k', severityIs('warn')), drop('fatal')]), whole)
    assert.equal(made!.segments().length, 2)
    assert.equal(made!.segments()[0], whole.segments()[0])
    assert.equal(made!.items, 2)
    whole.release()
    assert.deepEqual(texts(made!), ['info', 'warn'])
    made!.release()
    assert.equal(budget.used, 0)
  })

  test('grows its working memory with what it writes', () => {
    const big = 'x'.repeat(100_000)
    const batch = logs('a', 'b', 'c')
    const step: Step = hook('logRecord', (record) => {
      for (let index = 0; index < 10; index++) record.attributes.set(`k${index}`, big)
    })
    const { batch: made } = run(compile('logs', [step]), batch)
    for (const record of logRecords(made!)) assert.equal(record.attributes.get('k9'), big)
    assert.ok(made!.bytes > 3_000_000)
  })

  test('passes on that the budget has no room, and holds nothing then', () => {
    const budget = new ByteBudget(2000, 0)
    const batch = charged(logs('info'), budget)
    const program = compile('logs', [hook('logRecord', (record) => record.attributes.set('k', 'x'.repeat(4000)))])
    const held = budget.used
    assert.throws(() => run(program, batch), Overdrawn)
    assert.equal(budget.used, held)
    batch.release()
    assert.equal(budget.used, 0)
  })

  test('names the step whose hook threw, and is ready for the next batch', () => {
    let fail = true
    const cause = new Error('no')
    const program = compile('logs', [
      insert('k'),
      { on: 'span', act: { kind: 'drop' } },
      hook('logRecord', () => {
        if (fail) throw cause
      }),
    ])
    assert.throws(
      () => run(program, logs('info')),
      (error) => error instanceof StepFailed && error.step === 2 && error.cause === cause,
    )
    fail = false
    assert.equal(run(program, logs('info')).batch!.items, 1)
  })

  test('refuses a hook that runs its own program, and a batch of another signal', () => {
    const program = compile('logs', [hook('logRecord', () => void run(program, logs('info')))])
    assert.throws(() => run(program, logs('info')), /a hook ran the program/)
    assert.throws(() => run(compile('traces', []), logs('info') as unknown as Batch<'traces'>), /were run over logs/)
  })

  test('lets hooks run other programs', () => {
    const inner = compile('logs', [insert('inner')])
    const program = compile('logs', [
      hook('logRecord', (record) => {
        record.attributes.set('items', run(inner, logs('x', 'y')).batch!.items)
      }),
    ])
    for (const record of logRecords(run(program, logs('info')).batch!)) assert.equal(record.attributes.get('items'), 2)
  })

  test('does nothing for steps on levels that the signal does not have', () => {
    const batch = logs('info')
    assert.equal(run(compile('logs', [{ on: 'span', act: { kind: 'drop' } }]), batch).batch, batch)
  })

  test('does not take bytes of a batch that is no request for one', () => {
    assert.throws(
      () => run(compile('logs', [insert('k')]), batchOf('logs', 1, Buffer.from([0x0a, 0x05, 0]))),
      /malformed/,
    )
  })
})

describe('a hook', () => {
  test('that is async is refused, as its record is gone when it goes on', () => {
    const late = (() => Promise.resolve()) as unknown as Hook
    const program = compile('logs', [{ on: 'logRecord', act: late }])
    assert.throws(() => run(program, logs('info')), /a hook must not be async/)
  })

  test('drops what it returns DROP for', () => {
    const program = compile('logs', [
      hook('logRecord', (record) => (record.severityText === 'info' ? DROP : undefined)),
    ])
    const { batch, dropped } = run(program, logs('info', 'warn'))
    assert.equal(dropped, 1)
    assert.deepEqual(texts(batch!), ['warn'])
  })

  test('reads its own edits', () => {
    const seen: unknown[] = []
    const program = compile('logs', [
      hook('logRecord', (record) => {
        record.severityText = 'new'
        record.attributes.set('k', 1)
        record.attributes.set('k', 2)
        seen.push(
          record.severityText,
          record.attributes.get('k'),
          record.attributes.insert('k', 3),
          record.attributes.delete('k'),
        )
        seen.push(record.attributes.has('k'), record.attributes.delete('k'))
      }),
    ])
    run(program, logs('info'))
    assert.deepEqual(seen, ['new', 2, false, true, false, false])
  })

  test('sees what encloses its record, and cannot change it', () => {
    const program = compile('logs', [
      { on: 'resource', act: { kind: 'insert', path: { attribute: 'r' }, source: { value: 'of the resource' } } },
      hook('logRecord', (record) => {
        assert.equal(record.resource.attributes.get('r'), 'of the resource')
        assert.throws(() => record.resource.attributes.set('r', 'x'), /only looked at/)
        assert.throws(() => (record.scope.name = 'x'), /only looked at/)
        record.attributes.set('k', record.resource.attributes.get('r')!)
      }),
    ])
    for (const record of logRecords(run(program, logs('info')).batch!)) {
      assert.equal(record.attributes.get('k'), 'of the resource')
    }
  })
})
