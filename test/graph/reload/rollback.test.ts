import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TestBed } from '../../../src/testing.ts'
import { logsRequest } from '../requests.ts'
import { Lives } from './lives.ts'

/** Everything there is, each once; `mark` makes others of them. */
const config = (mark: string, { extension = 'same', source = mark } = {}) =>
  JSON.stringify({
    extensions: { key: { mark: extension } },
    receivers: { test_source: null, 'life_source/1': { mark: source }, 'life_source/2': { mark: source, key: 'key' } },
    processors: { passer: { mark }, keeper: { mark: 'same' } },
    exporters: { 'life_sink/1': { mark }, 'life_sink/2': { mark: 'same', key: 'key' } },
    service: {
      extensions: ['key'],
      pipelines: {
        logs: {
          receivers: ['test_source', 'life_source/1', 'life_source/2'],
          processors: ['passer', 'keeper'],
          exporters: ['life_sink/1', 'life_sink/2'],
        },
      },
    },
  })

async function run() {
  const lives = new Lives()
  const bed = await TestBed.start(config('old'), { definitions: lives.definitions() })
  return { bed, lives, running: lives.running }
}

const fails = (message: string) => ({ message })

describe('a reload in which', () => {
  for (const [id, next] of [
    ['life_sink/1', config('new')],
    ['passer', config('new')],
    ['life_source/1', config('new')],
    ['life_source/2', config('new')],
    ['key', config('new', { extension: 'other' })],
    ['life_sink/2', config('new', { extension: 'other' })],
    ['life_source/2', config('new', { extension: 'other' })],
  ] as const)
    test(`${id} does not start${next.includes('other') ? ', and its extension changes too,' : ''} brings everything back`, async () => {
      const { bed, lives, running } = await run()
      await bed.send('logs', logsRequest('held'))
      lives.failing.set(id, 1)
      await assert.rejects(bed.reload(next), /does not start/)
      assert.deepEqual(lives.running, running)
      assert.ok(bed.graph.isWhole)
      assert.equal(lives.kept.get('keeper'), 1, 'what is held is held')
      assert.ok(bed.graph.statuses().every(({ state }) => state === 'ok'))
      await bed.send('logs', logsRequest('after'))
      await bed.stop()
      assert.deepEqual(lives.received.map(({ sink, mark }) => `${sink} ${mark}`).sort(), [
        'life_sink/1 old',
        'life_sink/1 old',
        'life_sink/2 same',
        'life_sink/2 same',
      ])
    })

  test('something cannot be created touches nothing, and measures nothing of what was', async () => {
    const { bed, lives } = await run()
    const series = () => bed.metrics.measurements().length
    const before = series()
    lives.told()
    lives.failing.set('create life_source/2', 1)
    await assert.rejects(
      bed.reload(config('new')),
      fails('failed to create "life_source/2" receiver: life_source/2 is not to be made'),
    )
    assert.deepEqual(lives.told(), [])
    assert.equal(series(), before)
    await bed.stop()
  })

  test('neither the new nor the old starts leaves the rest running, and a good one heals it', async () => {
    const { bed, lives } = await run()
    lives.failing.set('life_source/1', Infinity)
    await assert.rejects(bed.reload(config('new')), /does not start/)
    assert.ok(!bed.graph.isWhole)
    await bed.send('logs', logsRequest('still'))
    lives.failing.clear()
    await bed.reload(config('newer'))
    assert.ok(bed.graph.isWhole)
    assert.ok(bed.graph.statuses().every(({ state }) => state === 'ok'))
    await bed.stop()
    assert.equal(lives.received.length, 2)
  })

  test('a start hangs is given up by the stop, and what starts after that is stopped', async () => {
    const { bed, lives, running } = await run()
    const { promise, resolve } = Promise.withResolvers<void>()
    lives.hanging.set('life_sink/1', promise)
    const stopping = new AbortController()
    const reloading = bed.reload(config('new'), { abort: stopping.signal })
    await bed.until(() => !lives.hanging.has('life_sink/1'), 'the start to hang')
    stopping.abort(new Error('Telegen is stopping'))
    await assert.rejects(reloading, /Telegen is stopping/)
    assert.deepEqual(lives.running, running)
    resolve()
    await bed.until(() => lives.events.at(-1) === 'stop life_sink/1', 'the late one to stop')
    assert.deepEqual(lives.running, running)
    await bed.stop()
  })
})
