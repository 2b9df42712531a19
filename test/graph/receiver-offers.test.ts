import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  Capability,
  ComponentId,
  defineProcessor,
  defineReceiver,
  Observable,
  offer,
  Options,
  receive,
  Type,
} from '../../src/plugin.ts'
import { TestBed } from '../../src/testing.ts'

interface Bell {
  ring(): string
}
const Bell = new Capability<Bell>('bell')
const Gong = new Capability<object>('gong')

const tower = defineReceiver({
  type: 'tower',
  summary: 'Has a bell.',
  stability: { logs: 'development' },
  config: Options({
    sound: Type.String({ default: 'ding', description: 'Of the bell.' }),
    bell: Type.Boolean({ default: true, description: 'Whether it has one.' }),
  }),
  offers: ({ bell }) => (bell ? [Bell] : []),
  create: ({ config }) => ({
    ...receive({ open: async () => {}, close: async () => {}, deliveries: () => new Observable(() => {}) }),
    offers: config.bell ? [offer(Bell, { ring: () => config.sound })] : [],
  }),
})

/** What each started listener heard, oldest first. */
let heard: string[] = []

const listener = (offering: Capability<unknown>) =>
  defineProcessor({
    type: 'listener',
    summary: 'Rings the bell when it starts.',
    stability: { logs: 'development' },
    config: Options({ bell: ComponentId({ of: 'receiver', offering, description: 'Where it hangs.' }) }),
    create: (context) => ({
      start: async () => void heard.push(context.extension(Bell, context.config.bell).ring()),
      steps: [],
    }),
  })

const yaml = (towerOptions = '', bell = 'tower', receivers = '[test_source, tower]') => `
receivers: { test_source: , tower: {${towerOptions}}, test_source/other: }
processors: { listener: { bell: ${bell} } }
exporters: { test_sink: }
service: { pipelines: { logs: { receivers: ${receivers}, processors: [listener], exporters: [test_sink] } } }`

const definitions = [tower, listener(Bell)]

describe('What a receiver offers', () => {
  test('is found by a component that starts before the receiver opens', async () => {
    heard = []
    const bed = await TestBed.start(yaml(), { definitions })
    assert.deepEqual(heard, ['ding'])
    await bed.stop()
  })

  test('is that of the new receiver after a reload that replaces it, and nobody starts anew where it stays', async () => {
    heard = []
    const bed = await TestBed.start(yaml(), { definitions })
    await bed.reload(yaml('').replace('test_sink: }', 'test_sink: { sending_queue: { queue_size: 7 } } }'))
    assert.deepEqual(heard, ['ding'])
    await bed.reload(yaml('sound: dong'))
    assert.deepEqual(heard, ['ding', 'dong'])
    await bed.stop()
  })

  test('has to be configured, in a pipeline, and offered', async () => {
    const fault = async (text: string, given = definitions) =>
      TestBed.start(text, { definitions: given }).then(
        async (bed) => {
          await bed.stop()
          return 'none'
        },
        (error: Error) => error.message,
      )
    assert.match(await fault(yaml('', 'nowhere')), /references receiver "nowhere" which is not configured/)
    assert.match(await fault(yaml('', 'tower', '[test_source]')), /references receiver "tower" which is in no pipeline/)
    assert.match(await fault(yaml('bell: false')), /references a receiver that does not offer bell/)
    assert.match(await fault(yaml('', 'test_source')), /references a receiver that does not offer bell/)
    assert.match(await fault(yaml(), [tower, listener(Gong)]), /references a receiver that does not offer gong/)
  })
})
