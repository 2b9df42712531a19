import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { logger } from '../../src/cli/logger.ts'

/** The lines that `write` puts on standard error. */
function linesOf(t: TestContext, write: (log: ReturnType<typeof logger>) => void): readonly string[] {
  const lines: string[] = []
  const stderr = t.mock.method(process.stderr, 'write', (line: string) => lines.push(line) > 0)
  write(logger({ level: 'info', encoding: 'console', outputPaths: ['stderr'], initialFields: {}, resource: true }))
  stderr.mock.restore()
  return lines.map((line) => line.replace(/^\S+/, 'TIME'))
}

describe('the log', () => {
  test('has a line for each message of its level and above, with the fields as JSON', (t) => {
    const lines = linesOf(t, (log) => {
      log.debug({}, 'too little')
      log.info({}, 'no fields')
      log.child({ id: 'otlp' }).warn({ items: 3 }, 'some')
    })
    assert.deepEqual(lines, ['TIME\tinfo\tno fields\n', 'TIME\twarn\tsome\t{"id":"otlp","items":3}\n'])
  })

  test('follows a change of its level, and so do all that were made from it before', (t) => {
    const lines = linesOf(t, (log) => {
      const child = log.child({ id: 'otlp' })
      log.level = 'debug'
      child.debug({}, 'heard')
      log.level = 'error'
      child.warn({}, 'not heard')
      child.error({}, 'always heard')
      assert.equal(child.level, 'error')
    })
    assert.deepEqual(lines, ['TIME\tdebug\theard\t{"id":"otlp"}\n', 'TIME\terror\talways heard\t{"id":"otlp"}\n'])
  })

  test('tells errors by their message, and mistakes in the program with where they were made', (t) => {
    const [expected, mistake, text] = linesOf(t, (log) => {
      const child = log.child({})
      child.error({ error: new Error('no route') }, 'failed')
      child.error({ error: new TypeError('x is not a function') }, 'failed')
      child.error({ error: 'a text' }, 'failed')
    })
    assert.equal(expected, 'TIME\terror\tfailed\t{"error":"no route"}\n')
    assert.match(mistake ?? '', /TypeError: x is not a function\\n +at .*logger\.test\.ts/)
    assert.equal(text, 'TIME\terror\tfailed\t{"error":"a text"}\n')
  })
})
