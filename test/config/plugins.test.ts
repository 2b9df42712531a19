import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import * as running from '../../src/plugin.ts'
import { testCatalog } from './check-text.ts'

const PROCESSOR = `import { defineProcessor, Options, Type } from 'telegen/plugin'
const mark = defineProcessor({
  type: 'mark', summary: 'Marks.', stability: { traces: 'alpha' },
  config: Options({ value: Type.String({ default: 'yes', description: 'What it says.' }) }),
  create: () => ({ steps: [] }),
})`

const FILES = {
  'conf/mark.js': `${PROCESSOR}\nexport default mark`,
  'conf/typed.ts': `${PROCESSOR}\nconst list: readonly unknown[] = [{ ...mark, type: 'typed' }]\nexport default list`,
  'conf/bundle.js': `${PROCESSOR}\nexport default { components: [{ ...mark, type: 'one' }, { ...mark, type: 'two' }] }`,
  'conf/throws.js': `throw new Error('no luck')`,
  'conf/syntax.js': `import 'node:fs'\nexport default {\n  a: 1,,\n}\n`,
  'conf/imports-syntax.js': `export { default } from './syntax.js'`,
  'conf/syntax.ts': `const x: number = ;\nexport default x`,
  'conf/export.js': `import { nope } from 'node:fs'\nexport default nope`,
  'conf/deep.js': `import 'node:fs'\nfunction make() {\n  return undefined.x\n}\nexport default make()`,
  'conf/text.js': `throw 'just text'`,
  'conf/nothing.js': `export const x = 1`,
  'conf/number.js': `export default 5`,
  'conf/old.js': `${PROCESSOR}\nexport default { ...mark, type: 'old', apiVersion: 0 }`,
  'conf/taken.js': `${PROCESSOR}\nexport default { ...mark, type: 'plain' }`,
  'conf/alias.js': `${PROCESSOR}\nexport default { ...mark, type: 'other', aliases: ['everything'] }`,
  'conf/badname.js': `${PROCESSOR}\nexport default { ...mark, type: 'Bad-Name' }`,
  'conf/copy.js': `import { Refused, Secret } from 'telegen/plugin'\n${PROCESSOR}\nexport default { ...mark, type: 'copy', Refused, Secret }`,
  'conf/node_modules/packed/package.json': '{"name":"packed","type":"module","exports":{"import":"./main.js"}}',
  'conf/node_modules/packed/main.js': `${PROCESSOR}\nexport default { ...mark, type: 'packed' }`,
  'conf/folder/package.json': '{"name":"foldered","type":"module","exports":"./lib/main.js"}',
  'conf/folder/lib/main.js': `${PROCESSOR}\nexport default { ...mark, type: 'foldered' }`,
  'conf/bare/package.json': '{"type":"module","main":"entry.js"}',
  'conf/bare/entry.js': `${PROCESSOR}\nexport default { ...mark, type: 'bare' }`,
}

const rest = (processors: string, list: string) => `
receivers: {traces_only: }
processors: {${processors}}
exporters: {sink: }
service: {pipelines: {traces: {receivers: [traces_only], processors: [${list}], exporters: [sink]}}}
`

describe('plugins', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'telegen-plugins-'))
    for (const [name, text] of Object.entries({ 'conf/package.json': '{"type":"module"}', ...FILES })) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), text)
    }
  })
  after(() => rmSync(directory, { recursive: true }))

  async function checked(plugins: string, processors = '', list = '') {
    writeFileSync(join(directory, 'conf/agent.yaml'), `plugins:${plugins}${rest(processors, list)}`)
    const catalog = testCatalog()
    const environment = { PACKAGE: 'secret-package' }
    const result = await check(load({ configs: ['conf/agent.yaml'], directory, environment }), catalog)
    return { ...result, catalog }
  }
  const refusals = async (name: string) =>
    (await checked(`\n  - ${name}`)).faults.map(
      ({ message, code, place: { line, column } }) => `${line}:${column} ${code} ${message}`,
    )

  test('are files, found from the folder of the configuration', async () => {
    const { faults, configuration } = await checked(' [./mark.js]', 'mark: {value: no}', 'mark')
    assert.deepEqual(faults, [])
    assert.deepEqual(configuration?.processors.get('mark')?.config, { value: 'no' })
  })

  test('are npm packages, found from there too, and folders with a package.json', async () => {
    const { faults } = await checked(
      ' [packed, ./folder, ./bare]',
      'packed: , foldered: , bare: ',
      'packed, foldered, bare',
    )
    assert.deepEqual(faults, [])
  })

  test('may be TypeScript, and export several components', async () => {
    const { faults } = await checked(' [./typed.ts, ./bundle.js]', 'typed: , one: , two: ', 'typed, one, two')
    assert.deepEqual(faults, [])
  })

  test('have their options checked like all others', async () => {
    const { faults } = await checked(' [./mark.js]', 'mark: {valeu: no}', 'mark')
    assert.deepEqual(
      faults.map(({ message }) => message),
      ['has invalid keys: valeu'],
    )
  })

  test('import the running copy', async () => {
    const { catalog } = await checked(' [./copy.js]', 'copy: ', 'copy')
    const definition = (await catalog.find('processor', 'copy')?.load()) as unknown as typeof running
    assert.equal(definition.Refused, running.Refused)
    assert.equal(definition.Secret, running.Secret)
  })

  test('keep their name in the catalog', async () => {
    const { catalog } = await checked(' [./mark.js]')
    assert.equal(catalog.find('processor', 'mark')?.source, './mark.js')
  })

  test('that throw on load are refused by name, at their place', async () => {
    assert.deepEqual(await refusals('./throws.js'), [
      '2:5 plugin_refused plugin "./throws.js": conf/throws.js:1:7: no luck',
    ])
    assert.match((await refusals('./deep.js'))[0] ?? '', /"\.\/deep\.js": conf\/deep\.js:3:20: Cannot read properties/)
    assert.deepEqual(await refusals('./text.js'), ['2:5 plugin_refused plugin "./text.js": just text'])
  })

  test('that do not parse are refused with file, line and column, wherever it is that the fault stands', async () => {
    const refusal = async (name: string) => (await refusals(name))[0]
    const comma = "conf/syntax.js:3:8: Unexpected token ','"
    assert.equal(await refusal('./syntax.js'), `2:5 plugin_refused plugin "./syntax.js": ${comma}`)
    assert.equal(await refusal('./imports-syntax.js'), `2:5 plugin_refused plugin "./imports-syntax.js": ${comma}`)
    assert.equal(
      await refusal('./syntax.ts'),
      '2:5 plugin_refused plugin "./syntax.ts": conf/syntax.ts:1:19: Expression expected',
    )
    assert.match((await refusal('./export.js')) ?? '', /"\.\/export\.js": conf\/export\.js:1:10: .*'nope'/)
  })

  test('are named as the file names them, never by what a variable holds', async () => {
    const [message] = await refusals('${env:PACKAGE}')
    assert.match(
      message ?? '',
      /^2:5 plugin_refused plugin "\$\{env:PACKAGE\}": Cannot find package '\$\{env:PACKAGE\}'/,
    )
  })

  test('that are not there are refused', async () => {
    assert.match((await refusals('./missing.js'))[0] ?? '', /plugin "\.\/missing\.js": .*Cannot find module/)
    assert.match((await refusals('no-such-package'))[0] ?? '', /plugin "no-such-package": .*Cannot find package/)
  })

  test('that export no component are refused', async () => {
    assert.deepEqual(await refusals('./nothing.js'), [
      '2:5 plugin_refused plugin "./nothing.js": has no default export',
    ])
    assert.match((await refusals('./number.js'))[0] ?? '', /exports no component definition/)
  })

  test('built for another contract are refused', async () => {
    assert.match((await refusals('./old.js'))[0] ?? '', /processor "old" was built for plugin API 0, this is 1/)
  })

  test('that take a type, or a name, that is taken are refused', async () => {
    assert.match((await refusals('./taken.js'))[0] ?? '', /processor type "plain" is already taken by built-in/)
    assert.match((await refusals('./alias.js'))[0] ?? '', /processor type "everything" is already taken by built-in/)
    const twice = await checked(' [./mark.js, ./mark.js]')
    assert.match(twice.faults[0]?.message ?? '', /processor type "mark" is already taken by \.\/mark\.js/)
  })

  test('with a type that is no type are refused', async () => {
    assert.match((await refusals('./badname.js'))[0] ?? '', /"Bad-Name" is not a component type/)
  })

  test('that are refused do not keep others from loading', async () => {
    const { faults, catalog } = await checked(' [./throws.js, ./mark.js]')
    assert.equal(faults.length, 1)
    assert.ok(catalog.find('processor', 'mark'))
  })
})
