import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readArguments, UsageError } from '../../src/cli/arguments.ts'

const read = (line: string) => readArguments(line === '' ? [] : line.split(' '))

describe('the command line', () => {
  test('runs where no command is given', () => {
    assert.equal(read('--config a.yaml').command, 'run')
    assert.equal(read('run --config a.yaml').command, 'run')
    assert.equal(read('').command, 'run')
  })

  test('takes several sources and settings, in order, with a space or an equal sign', () => {
    const { configs, sets, command } = read('--config=a.yaml validate --set a.b=c --config yaml:x::y:1 --set=d=e')
    assert.deepEqual([configs, sets, command], [['a.yaml', 'yaml:x::y:1'], ['a.b=c', 'd=e'], 'validate'])
  })

  test('knows help and version in long and short', () => {
    assert.deepEqual([read('-h').help, read('--help').help, read('run').help], [true, true, false])
    assert.deepEqual([read('-v').version, read('--version').version], [true, true])
  })

  const refused: readonly (readonly [line: string, message: string, hint: string | undefined])[] = [
    ['validat --config a', 'unknown command "validat" for "telegen"', 'did you mean "validate"?'],
    ['fly', 'unknown command "fly" for "telegen"', undefined],
    ['validate a.yaml', '"validate" takes no argument, got "a.yaml"', 'write --config before each file'],
    ['--conf a', 'unknown flag: --conf', 'did you mean "config"?'],
    ['-x', 'unknown flag: -x', undefined],
    ['--config', 'flag needs an argument: --config', undefined],
    ['--help=5', 'flag takes no argument: --help', undefined],
    ['validate --output xml', 'invalid output: "xml"', 'outputs are text, json'],
  ]
  for (const [line, message, hint] of refused)
    test(`refuses ${JSON.stringify(line)}: ${message}`, () => {
      assert.throws(
        () => read(line),
        (thrown: unknown) => thrown instanceof UsageError && thrown.message === message && thrown.hint === hint,
      )
    })
})
