import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dryRun } from '../../src/service/dry-run.ts'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { Capability, ComponentId, defineConnector, defineExporter, defineExtension, offer } from '../../src/plugin.ts'
import { defineProcessor, defineReceiver, Observable, Options, Type } from '../../src/plugin.ts'
import type { Context } from '../../src/plugin.ts'
import { testCatalog, told } from '../config/check-text.ts'

const Key = new Capability<string>('a key')
const config = Options({
  fails: Type.Boolean({ default: false, description: 'Whether it cannot be created.' }),
  key: Type.Optional(ComponentId({ of: 'extension', description: 'Where the key is.' })),
})
const stability = { logs: 'alpha' } as const
const about = { config, summary: 'Fails where it is told to.' }
const work = (context: Context<{ fails: boolean; key?: string }>): void => {
  const { fails, key } = context.config
  if (key !== undefined) context.extension(Key, key)
  if (fails) throw new Error('no luck')
}

const DEFINITIONS = [
  defineReceiver({
    ...about,
    type: 'source',
    stability,
    create: (context) => (work(context), { open: async () => new Observable<never>(), close: async () => {} }),
  }),
  defineProcessor({ ...about, type: 'middle', stability, create: (context) => (work(context), { steps: [] }) }),
  defineExporter({
    ...about,
    type: 'end',
    stability,
    create: (context) => (work(context), { send: async () => {} }),
  }),
  defineConnector({
    ...about,
    type: 'bridge',
    stability: [{ from: 'logs', to: 'logs', level: 'alpha' }],
    create: (context) => (work(context), { operator: (input) => input }),
  }),
  defineExtension({
    ...about,
    type: 'keys',
    stability: { extension: 'alpha' },
    create: (context) => (work(context), { offers: [offer(Key, 'x')] }),
  }),
]

async function faultsOf(text: string) {
  const loaded = load({ configs: [`yaml:${text}`], environment: { WHY: 'hunter2' } })
  const { configuration, faults } = await check(loaded, testCatalog(DEFINITIONS))
  assert.deepEqual(faults, [])
  assert.ok(configuration)
  return told(dryRun(configuration, loaded))
}

const pipelines = `
service:
  extensions: [keys]
  pipelines:
    logs/in: {receivers: [source], processors: [middle], exporters: [bridge]}
    logs/out: {receivers: [bridge], exporters: [end]}
`

describe('a dry run', () => {
  test('finds nothing where all can be created', async () => {
    const text =
      'receivers: {source: }\nprocessors: {middle: }\nconnectors: {bridge: }\nexporters: {end: {key: keys}}\nextensions: {keys: }'
    assert.deepEqual(await faultsOf(`${text}${pipelines}`), [])
  })

  test('finds every component of every kind that cannot be created', async () => {
    const text =
      'receivers: {source: {fails: true}}\nprocessors: {middle: {fails: true}}\nconnectors: {bridge: {fails: true}}\n' +
      'exporters: {end: {fails: true}}\nextensions: {keys: {fails: true}}'
    const faults = await faultsOf(`${text}${pipelines}`)
    assert.deepEqual(faults.sort(), [
      '1:13 receivers::source: failed to create "source" receiver: no luck',
      '2:14 processors::middle: failed to create "middle" processor: no luck',
      '3:14 connectors::bridge: failed to create "bridge" connector: no luck',
      '4:13 exporters::end: failed to create "end" exporter: no luck',
      '5:14 extensions::keys: failed to create "keys" extension: no luck',
    ])
  })

  test('does not tell of what fails only for want of an extension that failed', async () => {
    const text =
      'receivers: {source: {key: keys}}\nprocessors: {middle: {fails: true}}\nconnectors: {bridge: }\n' +
      'exporters: {end: {key: keys}}\nextensions: {keys: {fails: true}}'
    assert.deepEqual((await faultsOf(`${text}${pipelines}`)).sort(), [
      '2:14 processors::middle: failed to create "middle" processor: no luck',
      '5:14 extensions::keys: failed to create "keys" extension: no luck',
    ])
  })
})
