import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { parse } from 'yaml'
import { builtInCatalog } from '../../../src/builtin.ts'
import type { Definition } from '../../../src/component/definition.ts'
import { KINDS } from '../../../src/component/definition.ts'
import { check } from '../../../src/config/check.ts'
import { SECTIONS } from '../../../src/config/check/components.ts'
import { decode } from '../../../src/config/decode/decode.ts'
import type { Schema } from '../../../src/config/decode/schema.ts'
import { spot } from '../../../src/config/decode/spot.ts'
import { load } from '../../../src/config/load.ts'
import { written } from '../../../src/config/node.ts'
import { wholeSource } from '../../../src/config/place.ts'
import { effective } from '../../../src/config/print/effective.ts'
import { yamlText } from '../../../src/config/print/text.ts'
import { editorSchema } from '../../../src/config/schema/editor-schema.ts'
import { testCatalog } from '../check-text.ts'
import { COMPARED, EXAMPLES, SOUND_CASES } from '../configurations.ts'
import { TEST_DEFINITIONS } from '../test-definitions.ts'

const compile = (schema: object): ValidateFunction => {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    allowMatchingProperties: true,
  })
  // What the YAML language server reads beside JSON Schema's own.
  ajv.addVocabulary(['patternErrorMessage', 'errorMessage', 'doNotSuggest'])
  return ajv.compile(schema)
}

const faultsOf = (validate: ValidateFunction, value: unknown): string[] =>
  validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)

/** As editors read it: YAML 1.2. */
const asEditors = (text: string): unknown => parse(text, { version: '1.2', merge: true })

const builtIn = builtInCatalog()
const definitions: Definition[] = []
let validate: ValidateFunction
describe('the schema for editors', () => {
  before(async () => {
    validate = compile(await editorSchema(builtIn))
    for (const kind of KINDS) for (const entry of builtIn.entries(kind)) definitions.push(await entry.load())
  })

  test('is a schema of draft 2020-12 with no keyword that nobody knows', async () => {
    const schema = await editorSchema(builtIn)
    assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema')
    assert.doesNotThrow(() => compile(schema))
  })

  test('finds nothing wrong with any example, or configuration that is compared with the Collector', () => {
    assert.ok(EXAMPLES.length > 15 && COMPARED.length > 10)
    for (const { name, text } of [...EXAMPLES, ...COMPARED])
      assert.deepEqual(faultsOf(validate, asEditors(text)), [], name)
  })

  test('finds nothing wrong with what print-config makes of them', async () => {
    for (const { name, text } of EXAMPLES) {
      const { root } = load({ configs: [`yaml:${text}`] })
      assert.ok(root, name)
      const { tree } = await effective(root, builtInCatalog(), false)
      assert.deepEqual(faultsOf(validate, asEditors(yamlText(tree))), [], name)
    }
  })

  test('finds nothing wrong with configurations of other components in which nothing is', async () => {
    const others = compile(await editorSchema(testCatalog()))
    assert.ok(SOUND_CASES.length >= 3)
    let sound = 0
    for (const { name, text } of SOUND_CASES) {
      const { configuration } = await check(load({ configs: [`yaml:${text}`], environment: {} }), testCatalog())
      if (configuration === undefined) continue
      sound++
      assert.deepEqual(faultsOf(others, asEditors(text)), [], name)
    }
    assert.ok(sound >= 3)
  })

  test('takes a reference, and nothing, wherever something may be left out', () => {
    let options = 0
    for (const { kind, type, config } of definitions)
      for (const steps of paths(config)) {
        const required = optionAt(config, steps).required
        for (const value of required ? ['${env:X}'] : ['${env:X}', null]) {
          options++
          const body = steps.reduceRight<unknown>((inside, step) => ({ [step]: inside }), value)
          const faults = faultsOf(validate, { [SECTIONS[kind]]: { [type]: body } })
          assert.deepEqual(
            faults.filter((fault) => !fault.includes('required property')),
            [],
            `${type} ${steps.join('.')}`,
          )
        }
      }
    assert.ok(options > 500, `${options}`)
  })

  test('marks nothing that Telegen takes', () => {
    const scalar = fc.constantFrom(
      '5s',
      '0',
      'text',
      '64MiB',
      '1_000',
      5,
      0,
      1.5,
      -1,
      true,
      false,
      null,
      'a,b',
      '${env:X}',
    )
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        { weight: 5, arbitrary: scalar },
        { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 2 }) },
        {
          weight: 1,
          arbitrary: fc.dictionary(fc.constantFrom('name', 'value', 'key', 'enabled', 'a'), tie('value'), {
            maxKeys: 2,
          }),
        },
      ),
    })).value
    const all = [
      ...definitions,
      ...TEST_DEFINITIONS.filter(({ type }) => !definitions.some((each) => each.type === type)),
    ]
    let taken = 0
    return editorSchema(testCatalog(all)).then((schema) => {
      const judge = compile(schema)
      const body = fc.constantFrom(...all).chain((definition) => {
        const leaves = paths(definition.config)
        const option = leaves.length === 0 ? fc.constant([]) : fc.constantFrom(...leaves)
        return fc.tuple(fc.constant(definition), option, value)
      })
      fc.assert(
        fc.property(body, ([{ kind, type, config }, steps, given]) => {
          const tree = steps.reduceRight<unknown>((inside, step) => ({ [step]: inside }), given)
          const at = spot('')
          decode(config, written(tree, wholeSource('')), at)
          // A block that is switched off is taken with whatever else stands in it.
          if (at.faults.length > 0 || JSON.stringify(tree).includes('"enabled":false')) return
          taken++
          assert.deepEqual(faultsOf(judge, { [SECTIONS[kind]]: { [type]: tree } }), [])
        }),
        { numRuns: 3000 },
      )
      assert.ok(taken > 300, `${taken}`)
    })
  })

  const wrong: readonly (readonly [about: string, text: string, where: string])[] = [
    ['an unknown top-level key', 'recievers: {}', ''],
    ['an unknown type', 'receivers: { otpl: }', '/receivers'],
    ['an unknown option', 'receivers: { otlp: { protocol: } }', '/receivers/otlp'],
    ['an unknown option of a named component', 'receivers: { otlp/a: { protocol: } }', '/receivers/otlp~1a'],
    ['an unknown option under another name', 'exporters: { otlphttp: { endpont: x } }', '/exporters/otlphttp'],
    ['a word for a duration', 'exporters: { otlp_grpc: { timeout: 5 seconds } }', '/exporters/otlp_grpc/timeout'],
    ['a number for a duration', 'exporters: { otlp_grpc: { timeout: 5 } }', '/exporters/otlp_grpc/timeout'],
    ['a number for a text', 'exporters: { otlp_grpc: { endpoint: 4317 } }', '/exporters/otlp_grpc/endpoint'],
    [
      'a word for a switch',
      'exporters: { debug: { use_internal_logger: yes } }',
      '/exporters/debug/use_internal_logger',
    ],
    ['another word than those there are', 'exporters: { debug: { verbosity: loud } }', '/exporters/debug/verbosity'],
    ['a fraction for a count', 'processors: { batch: { send_batch_size: 1.5 } }', '/processors/batch/send_batch_size'],
    ['a size in no unit', 'service: { limits: { traces: 5 apples } }', '/service/limits/traces'],
    ['a size too small', 'service: { limits: { traces: 5 } }', '/service/limits/traces'],
    ['an unknown signal', 'service: { pipelines: { trace: } }', '/service/pipelines'],
    ['a pipeline without ends', 'service: { pipelines: { traces: {} } }', '/service/pipelines/traces'],
    [
      'a type that there is not in a pipeline',
      'service: { pipelines: { logs: { receivers: [otpl], exporters: [debug] } } }',
      '/service/pipelines/logs/receivers/0',
    ],
    [
      'a signal that the type does not take',
      'service: { pipelines: { logs: { receivers: [host_metrics], exporters: [debug] } } }',
      '/service/pipelines/logs/receivers/0',
    ],
    [
      'an empty list of exporters',
      'service: { pipelines: { logs: { receivers: [otlp], exporters: [] } } }',
      '/service/pipelines/logs/exporters',
    ],
    ['an unknown extension', 'service: { extensions: [healthcheck] }', '/service/extensions/0'],
    ['an unknown key of the service', 'service: { pipeline: {} }', '/service'],
    ['a header that is no text', 'exporters: { otlp_http: { headers: { a: 5 } } }', '/exporters/otlp_http/headers/a'],
  ]
  for (const [about, text, where] of wrong)
    test(`marks ${about}`, () => {
      validate(asEditors(text))
      const marked = (validate.errors ?? []).map(({ instancePath }) => instancePath)
      assert.ok(marked.includes(where), `${text} marked at ${JSON.stringify(marked)}`)
    })
})

/** Every option of a schema, nested blocks opened. */
function paths(schema: Schema, prefix: readonly string[] = []): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, option]) => [
    [...prefix, key],
    ...paths(option, [...prefix, key]),
  ])
}

function optionAt(schema: Schema, [step = '', ...rest]: readonly string[]): { readonly required: boolean } {
  const option = schema.properties?.[step] ?? {}
  if (rest.length > 0) return optionAt(option, rest)
  return { required: (schema.required?.includes(step) ?? false) && option.default === undefined }
}
