import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { checkText } from './check-text.ts'

const WORDS = `receivers processors exporters connectors extensions service pipelines telemetry limits traces
metrics logs logs/2 everything everything/a network sender sink pass login
traces_only protocols grpc sending_queue wait headers password block enabled a::b
/x`
const word = fc.constantFrom('', ...WORDS.split(/\s+/))
const leaf = fc.oneof(
  word,
  fc.constantFrom<unknown>(
    null,
    5,
    1.5,
    true,
    '${env:A}',
    '${B}',
    '$${C}',
    '${env:M}',
    'x${env:L}',
    '${file:none}',
    '5s',
    '1MiB',
  ),
  fc.string(),
)
const { tree } = fc.letrec((tie) => ({
  tree: fc.dictionary(
    word,
    fc.oneof({ depthSize: 'medium' }, leaf, tie('tree'), fc.array(tie('value'), { maxLength: 3 })),
    {
      maxKeys: 6,
    },
  ),
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('tree')),
}))
const environment = { A: '5', B: 'traces_only', M: '{traces_only: , sink: {a: ${env:A}}}', L: '[a, ${B}]' }

describe('any input', () => {
  test('is checked to an end, with the same faults each time', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (config) => {
        const text = JSON.stringify(config)
        const first = await checkText(text, { environment })
        assert.deepEqual((await checkText(text, { environment })).faults, first.faults)
        assert.equal(first.configuration === undefined, first.faults.length > 0)
        for (const { place, message } of first.faults) assert.ok(message.length > 0 && place.line >= 0)
      }),
      { numRuns: 300 },
    )
  })

  test('may end anywhere', async () => {
    const text = readFileSync(`${import.meta.dirname}/../cases/config/anchors-and-merge-keys.yaml`, 'utf8')
    for (let length = 0; length < text.length; length += 3) {
      const { faults, configuration } = await checkText(text.slice(0, length))
      assert.equal(configuration === undefined, faults.length > 0)
    }
  })

  test('may have any byte changed', async () => {
    const text = readFileSync(`${import.meta.dirname}/../cases/config/null-bodies-mean-defaults.yaml`, 'utf8')
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: text.length - 1 }),
        fc.constantFrom(...Array.from('{}[]:,&*!|>%@`"\'\t\n #-?$\0')),
        async (at, letter) => {
          const { faults, configuration } = await checkText(text.slice(0, at) + letter + text.slice(at + 1))
          assert.equal(configuration === undefined, faults.length > 0)
        },
      ),
      { numRuns: 300 },
    )
  })
})
