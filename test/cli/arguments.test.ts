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

  test('knows what each command takes, and its defaults', () => {
    assert.deepEqual([read('print-initial-config').command, read('print-config').mode], ['print-config', 'redacted'])
    assert.deepEqual([read('print-config').validate, read('print-config --validate=false').validate], [true, false])
    assert.deepEqual([read('graph').output, read('graph --output dot').output], ['text', 'dot'])
    assert.deepEqual(read('create receiver door_bell').words, ['receiver', 'door_bell'])
    assert.deepEqual(read('--feature-gates=a,-b --feature-gates +c').gates, ['a', '-b', '+c'])
  })

  const refused: readonly (readonly [line: string, message: string, hint: string | undefined])[] = [
    ['validat --config a', 'unknown command "validat" for "telegen"', 'did you mean "validate"?'],
    ['fly', 'unknown command "fly" for "telegen"', undefined],
    ['validate a.yaml', '"validate" takes no argument, got "a.yaml"', 'write --config before each file'],
    ['--conf a', 'unknown flag: --conf', 'did you mean "config"?'],
    ['-x', 'unknown flag: -x', undefined],
    ['--config', 'flag needs an argument: --config', undefined],
    ['--help=5', 'flag takes no argument: --help', undefined],
    ['validate --mode redacted', 'unknown flag: --mode', '"validate" has no such flag; print-config, bpf-loader have'],
    [
      '--output json',
      'unknown flag: --output',
      '"run" has no such flag; validate, graph, tap, doctor, components have',
    ],
    ['print-config --validate=maybe', 'invalid validate: "maybe"', 'write true or false'],
    ['graph --output json', 'invalid output: "json"', 'outputs are text, mermaid, dot'],
    ['completion', '"completion" needs a shell: telegen completion <shell>', 'shells are bash, zsh, fish'],
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
