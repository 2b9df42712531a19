import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { builtInCatalog } from '../../../src/builtin.ts'
import type { Catalog } from '../../../src/component/catalog.ts'
import type { Definition } from '../../../src/component/definition.ts'
import { KINDS } from '../../../src/component/definition.ts'
import { Secret } from '../../../src/component/options.ts'
import { check } from '../../../src/config/check.ts'
import type { Configuration } from '../../../src/config/configuration.ts'
import { decode } from '../../../src/config/decode/decode.ts'
import type { Schema } from '../../../src/config/decode/schema.ts'
import { spot } from '../../../src/config/decode/spot.ts'
import { duration } from '../../../src/config/decode/duration.ts'
import { load } from '../../../src/config/load.ts'
import { plain, typed, written } from '../../../src/config/node.ts'
import { wholeSource } from '../../../src/config/place.ts'
import { effective } from '../../../src/config/print/effective.ts'
import { encode, plainly } from '../../../src/config/print/encode.ts'
import { goDuration } from '../../../src/config/print/go-duration.ts'
import { jsonText, yamlText } from '../../../src/config/print/text.ts'
import { readYaml } from '../../../src/config/yaml/read.ts'
import { Double, double } from '../../../src/data/steps/value.ts'
import { testCatalog } from '../check-text.ts'
import { EXAMPLES } from '../configurations.ts'
import { TEST_DEFINITIONS } from '../test-definitions.ts'

const loaded = (text: string, environment: Record<string, string> = {}) =>
  load({ configs: [`yaml:${text}`], environment })

async function printed(text: string, { reveal = true, json = false, catalog = testCatalog(), environment = {} } = {}) {
  const { root, faults } = loaded(text, environment)
  assert.ok(root, faults.map(({ message }) => message).join())
  const { tree, faults: undecodable } = await effective(root, catalog, reveal)
  assert.deepEqual(undecodable, [])
  return json ? jsonText(tree) : yamlText(tree)
}

/** What a component would see, to be compared: secrets by their value, and no places. */
function seen(configuration: Configuration): unknown {
  const shown = (value: unknown): unknown => {
    if (value instanceof Secret) return { secret: value.reveal() }
    if (value instanceof Map) return [...value].map(([key, each]) => [key, shown(each)])
    if (Array.isArray(value)) return value.map(shown)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(each)]))
  }
  const { service, ...sections } = configuration
  return {
    sections: Object.values(sections).map((components) =>
      [...(components as ReadonlyMap<string, { readonly config: unknown }>)].map(([id, { config }]) => [
        id,
        shown(config),
      ]),
    ),
    service: { ...service, pipelines: service.pipelines.map((pipeline) => ({ ...pipeline, place: undefined })) },
  }
}

async function configurationOf(text: string, catalog: Catalog): Promise<Configuration> {
  const { configuration, faults } = await check(loaded(text), catalog, { machine: false })
  assert.ok(configuration, faults.map(({ path, message }) => `${path}: ${message}`).join('\n'))
  return configuration
}

const SMALL = (exporter: string) => `
receivers: { network: { protocols: { http: } } }
exporters: { sender: ${exporter} }
service: { pipelines: { traces: { receivers: [network], exporters: [sender] } } }`

describe('a configuration that is printed', () => {
  test('is the same configuration when it is read again, and prints the same again: all examples, YAML and JSON', async () => {
    for (const { name, text } of EXAMPLES) {
      const before = seen(await configurationOf(text, builtInCatalog()))
      for (const json of [false, true]) {
        const print = await printed(text, { json, catalog: builtInCatalog() })
        assert.deepEqual(seen(await configurationOf(print, builtInCatalog())), before, name)
        assert.equal(await printed(print, { json, catalog: builtInCatalog() }), print, name)
      }
    }
  })

  test('says durations as Go does', () => {
    const spoken = [0, 0.000001, 0.0015, 1.5, 300, 1500, 5000, 60_000, 90_000, 300_000, 3_600_000, 5_400_500]
    assert.deepEqual(spoken.map(goDuration), [
      '0s',
      '1ns',
      '1.5µs',
      '1.5ms',
      '300ms',
      '1.5s',
      '5s',
      '1m0s',
      '1m30s',
      '5m0s',
      '1h0m0s',
      '1h30m0.5s',
    ])
    fc.assert(fc.property(fc.nat(2 ** 40), (milliseconds) => duration(goDuration(milliseconds)) === milliseconds))
  })

  test('has no secret in it, wherever the value came from, unless it is asked for', async () => {
    const { TOKEN, text } = {
      TOKEN: 'hunter2-from-the-environment',
      text: SMALL(
        `{ token: "\${env:TOKEN}", headers: { authorization: "Bearer \${env:TOKEN}" }, url: "https://me:hunter2@host/p?q=1&access_token=s3cret&r=2" }`,
      ),
    }
    const definitions = TEST_DEFINITIONS.map((definition) =>
      definition.type === 'sender' ? withSecrets(definition) : definition,
    )
    const catalog = testCatalog(definitions)
    const environment = { TOKEN }
    const redacted = await printed(text, { reveal: false, catalog, environment })
    assert.doesNotMatch(redacted, /hunter2/)
    assert.match(redacted, /token: "\[REDACTED\]"/)
    assert.match(redacted, /authorization: "\[REDACTED\]"/)
    assert.match(redacted, /url: https:\/\/me:\[REDACTED\]@host\/p\?q=1&access_token=\[REDACTED\]&r=2/)
    const shown = await printed(text, { catalog, environment })
    assert.match(shown, /token: hunter2-from-the-environment\n/)
    assert.match(shown, /https:\/\/me:hunter2@host/)
  })

  test('keeps dollars, numbers that are text, and odd words what they are', async () => {
    const values = [
      'a$b',
      '$X',
      '${env:X}',
      '$${env:X}',
      '$$',
      '0123',
      '1_000',
      '1e3',
      'null',
      '~',
      'true',
      '',
      ' a ',
      '- a',
      '<<',
      '#',
      'a: b',
      '2001-01-01',
      '0x1F',
      '.inf',
      'a\nb\n',
      '\ttab',
      '[REDACTED]',
      '5s',
      '1:30',
    ]
    for (const value of values) {
      const tree = new Map([
        ['key', value],
        [value, 'value'],
      ])
      for (const text of [yamlText(tree), jsonText(tree)]) {
        const { root, faults } = loaded(text)
        assert.ok(root, `${text} ${faults[0]?.message}`)
        assert.deepEqual(plain(root), { key: value, [value]: 'value' }, text)
      }
    }
  })

  test('keeps whatever tree of values it has', () => {
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.oneof(
          fc.string(),
          fc.stringMatching(/^[-+.0-9a-fxobn_:eE${}]{1,8}$/),
          fc.integer(),
          fc.integer().map(double),
          fc.boolean(),
          fc.constant(null),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
        ),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(
          fc.string().filter((key) => !key.includes('::') && key !== '__proto__'),
          tie('tree'),
          { maxKeys: 3 },
        ),
      ),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        const tree = new Map([['key', encode({}, value, true)]])
        for (const text of [yamlText(tree), jsonText(tree)]) {
          const { root, faults } = loaded(text)
          assert.ok(root, `${text} ${faults[0]?.message}`)
          assert.deepEqual(normal((typed(root) as { key: unknown }).key), normal(value), text)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('is decoded to the same by the schema it was encoded by, whatever was written', async () => {
    const definitions: Definition[] = [...TEST_DEFINITIONS]
    for (const kind of KINDS) for (const entry of builtInCatalog().entries(kind)) definitions.push(await entry.load())
    const scalar = fc.constantFrom('5s', '1h30m', '64MiB', 'text', 'a,b', 5, 0, 1.5, true, false, null, '[x]')
    const body = fc.constantFrom(...definitions).chain((definition) => {
      const paths = leaves(definition.config)
      const path = paths.length === 0 ? fc.constant([]) : fc.constantFrom(...paths)
      return fc.tuple(fc.constant(definition), fc.array(fc.tuple(path, scalar), { maxLength: 4 }))
    })
    let sound = 0
    fc.assert(
      fc.property(body, ([{ config }, settings]) => {
        const tree = {}
        for (const [path, value] of settings) put(tree, path, value)
        const first = decoded(config, tree)
        if (first.faults > 0) return
        sound++
        const encoded = encode(config, first.value, true)
        const { node } = readYaml(yamlText(new Map([['body', encoded]])), 'test')
        const again = decoded(config, (plain(node as NonNullable<typeof node>) as { body: unknown }).body)
        assert.equal(again.faults, 0)
        assert.deepEqual(plainly(encode(config, again.value, true)), plainly(encoded))
        assert.deepEqual(again.value, first.value)
      }),
      { numRuns: 1500 },
    )
    assert.ok(sound > 200, `${sound}`)
  })

  test('that cannot be written as JSON is refused with a sentence', () => {
    assert.equal(jsonText(new Map([['a', new Double(-0)]])), '{\n  "a": -0.0\n}\n')
    assert.throws(() => jsonText(new Map([['a', Infinity]])), /Infinity cannot be written as JSON: ask for YAML/)
  })
})

function withSecrets(definition: Definition): Definition {
  const config = {
    type: 'object',
    additionalProperties: false,
    properties: {
      token: { type: 'string', telegen: 'secret' },
      headers: { type: 'object', telegen: 'map_list', default: {} },
      url: { type: 'string' },
    },
  }
  return { ...definition, config }
}

function decoded(schema: Schema, tree: unknown): { readonly value: unknown; readonly faults: number } {
  const at = spot('')
  const value = decode(schema, written(tree, wholeSource('')), at)
  return { value, faults: at.faults.length }
}

/** Paths of the options that are no blocks. */
function leaves(schema: Schema, prefix: readonly string[] = []): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, option]) =>
    option.properties ? leaves(option, [...prefix, key]) : [[...prefix, key]],
  )
}

function put(tree: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) tree[key] = value
  else if (key !== '') put((tree[key] ??= {}) as Record<string, unknown>, rest, value)
}

/** Zeros have no sign in a file, and whole numbers are of one kind. */
function normal(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (value instanceof Double) return Number.isSafeInteger(value.value) ? `float ${value.value}` : value.value
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, normal(each)]))
}
