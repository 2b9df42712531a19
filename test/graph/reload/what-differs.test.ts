import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TestBed } from '../../../src/testing.ts'
import { logsRequest } from '../requests.ts'
import { Lives } from './lives.ts'

interface Shape {
  readonly processors?: object
  readonly exporters?: object
  readonly extensions?: object
  readonly receivers?: object
  readonly pipelines?: object
  readonly limits?: object
}

const config = ({ processors, exporters, extensions, receivers, pipelines, limits }: Shape = {}) =>
  JSON.stringify({
    receivers: { test_source: null, ...receivers },
    ...(processors && { processors }),
    exporters: exporters ?? { life_sink: null },
    ...(extensions && { extensions }),
    service: {
      ...(limits && { limits }),
      ...(extensions && { extensions: Object.keys(extensions) }),
      pipelines: pipelines ?? {
        logs: {
          receivers: ['test_source', ...Object.keys(receivers ?? {})],
          processors: Object.keys(processors ?? {}),
          exporters: Object.keys(exporters ?? { life_sink: null }),
        },
      },
    },
  })

async function run(shape?: Shape) {
  const lives = new Lives()
  const bed = await TestBed.start(config(shape), { definitions: lives.definitions() })
  lives.told()
  return { bed, lives }
}

describe('a reload', () => {
  test('of the same configuration touches nothing', async () => {
    const { bed, lives } = await run({ processors: { passer: { mark: 'a' } } })
    assert.equal(await bed.reload(config({ processors: { passer: { mark: 'a' } } })), undefined)
    assert.deepEqual(lives.told(), [])
    await bed.stop()
  })

  test('starts what is new before it stops what goes, and leaves the rest alone', async () => {
    const { bed, lives } = await run({ exporters: { 'life_sink/a': null, 'life_sink/b': { mark: 'old' } } })
    const changes = await bed.reload(
      config({ exporters: { 'life_sink/a': null, 'life_sink/b': { mark: 'new' }, 'life_sink/c': null } }),
    )
    assert.deepEqual(lives.told(), ['start life_sink/b', 'start life_sink/c', 'stop life_sink/b'])
    assert.deepEqual(changes, {
      started: ['exporter life_sink/b', 'exporter life_sink/c'],
      stopped: ['exporter life_sink/b'],
      kept: ['exporter life_sink/a', 'receiver test_source'],
    })
    await bed.send('logs', logsRequest('x'))
    await bed.until(() => lives.received.length === 3, 'all sinks')
    assert.deepEqual(lives.received.map(({ sink, mark }) => `${sink} ${mark}`).sort(), [
      'life_sink/a ',
      'life_sink/b new',
      'life_sink/c ',
    ])
    await bed.stop()
  })

  test('keeps what a stage holds while its neighbours change on both sides', async () => {
    const { bed, lives } = await run({ processors: { 'passer/1': null, keeper: null, 'passer/2': null } })
    await bed.send('logs', logsRequest('held'))
    await bed.reload(config({ processors: { 'passer/3': null, keeper: null }, exporters: { 'life_sink/new': null } }))
    assert.equal(lives.kept.get('keeper'), 1)
    assert.equal(lives.received.length, 0)
    await bed.stop()
    assert.deepEqual(
      lives.received.map(({ sink }) => sink),
      ['life_sink/new'],
      'what it held comes out behind its new neighbours',
    )
  })

  test('lets a stage that goes flush what it holds', async () => {
    const { bed, lives } = await run({ processors: { keeper: null } })
    await bed.send('logs', logsRequest('held'))
    await bed.reload(config())
    await bed.until(() => lives.received.length === 1, 'what it held')
    assert.equal(bed.metrics.total('telegen.dropped.items'), 0)
    await bed.stop()
  })

  test('lets stages of a changed chain flush one after the other, upstream first', async () => {
    const { bed, lives } = await run({ processors: { 'keeper/1': null, 'keeper/2': null } })
    await bed.send('logs', logsRequest('held'))
    await bed.reload(config({ processors: { 'keeper/1': { mark: 'new' }, 'keeper/2': { mark: 'new' } } }))
    await bed.until(() => lives.received.length === 1, 'what passed both')
    await bed.stop()
    assert.equal(bed.metrics.total('telegen.dropped.items'), 0)
  })

  test('keeps a processor in one pipeline where it changes in none, though another pipeline has it too', async () => {
    const pipeline = (processors: string[]) => ({
      receivers: ['test_source'],
      processors,
      exporters: ['life_sink'],
    })
    const { bed, lives } = await run({
      processors: { passer: null },
      pipelines: { 'logs/a': pipeline(['passer']), 'logs/b': pipeline(['passer']) },
    })
    await bed.reload(
      config({
        processors: { passer: null },
        pipelines: { 'logs/a': pipeline(['passer']), 'logs/c': pipeline(['passer']) },
      }),
    )
    assert.deepEqual(lives.told(), ['start passer in logs/c', 'stop passer in logs/b'])
    await bed.stop()
  })

  test('closes a changed receiver before it opens the new one', async () => {
    const { bed, lives } = await run({ receivers: { life_source: { mark: 'old' } } })
    await bed.reload(config({ receivers: { life_source: { mark: 'new' } } }))
    assert.deepEqual(lives.told(), ['stop life_source', 'start life_source'])
    await bed.stop()
  })

  test('starts a receiver anew that stands in a pipeline of another signal now', async () => {
    const shape = (signals: string[]) =>
      config({
        receivers: { life_source: null },
        pipelines: Object.fromEntries(
          signals.map((signal) => [signal, { receivers: ['test_source', 'life_source'], exporters: ['life_sink'] }]),
        ),
      })
    const lives = new Lives()
    const bed = await TestBed.start(shape(['logs']), { definitions: lives.definitions() })
    lives.told()
    await bed.reload(shape(['logs', 'traces']))
    assert.deepEqual(lives.told(), ['start life_sink', 'stop life_source', 'start life_source', 'stop life_sink'])
    await bed.send('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'x' }] }] }] })
    await bed.until(() => lives.received.length === 1, 'the span')
    await bed.stop()
  })

  test('changes limits while batches are inside', async () => {
    const { bed } = await run({ processors: { keeper: null } })
    await bed.send('logs', logsRequest('held'))
    await bed.reload(config({ processors: { keeper: null }, limits: { logs: '1MiB' } }))
    assert.equal(bed.graph.budgets.logs.limit, 2 ** 20)
    await assert.rejects(bed.send('logs', logsRequest('x'.repeat(2 ** 20))), /budget/)
    await bed.reload(config({ processors: { keeper: null }, limits: { logs: '4MiB' } }))
    await bed.send('logs', logsRequest('x'.repeat(2 ** 20)))
    await bed.stop()
  })

  test('shows the status of what runs, and of nothing that went', async () => {
    const { bed } = await run({ exporters: { 'life_sink/a': null, 'life_sink/b': null } })
    await bed.reload(config({ exporters: { 'life_sink/b': null, 'life_sink/c': null } }))
    assert.deepEqual(
      bed.graph.statuses().map(({ id, state }) => `${id} ${state}`),
      ['life_sink/b ok', 'life_sink/c ok', 'test_source ok'],
    )
    await bed.stop()
  })

  test('counts edges and queues of what runs, and of nothing that went', async () => {
    const { bed } = await run({ exporters: { 'life_sink/a': null, 'life_sink/b': null } })
    await bed.reload(config({ exporters: { 'life_sink/b': null } }))
    const exporters = bed.metrics
      .measurements()
      .filter(({ name }) => name === 'otelcol_exporter_queue_capacity')
      .map(({ labels }) => labels['exporter'])
    assert.deepEqual([...new Set(exporters)], ['life_sink/b'])
    await bed.stop()
  })
})

describe('extensions in a reload', () => {
  const standing = (mark: string) => ({
    extensions: { key: { mark } },
    exporters: { 'life_sink/on': { key: 'key' }, 'life_sink/free': null },
    receivers: { life_source: { key: 'key' } },
  })

  test('that change take along what stands on them, old before new, and nothing else', async () => {
    const { bed, lives } = await run(standing('old'))
    await bed.reload(config(standing('new')))
    assert.deepEqual(lives.told(), [
      'stop life_source',
      'stop life_sink/on',
      'stop key',
      'start key',
      'life_sink/on got key',
      'start life_sink/on',
      'life_source got key',
      'start life_source',
    ])
    await bed.stop()
  })

  test('that are new and take nothing from others start beside them', async () => {
    const { bed, lives } = await run(standing('old'))
    const next = standing('old')
    await bed.reload(config({ ...next, extensions: { ...next.extensions, 'key/2': null } }))
    assert.deepEqual(lives.told(), ['start key/2'])
    await bed.stop()
  })

  test('let what comes wait while what stands on them is exchanged', async () => {
    const { bed, lives } = await run(standing('old'))
    let sending = true
    const sent: Promise<void>[] = []
    const send = () => {
      if (!sending) return
      sent.push(bed.send('logs', logsRequest(`${sent.length}`)))
      setImmediate(send)
    }
    send()
    await bed.reload(config(standing('new')))
    sending = false
    await Promise.all(sent)
    await bed.until(() => lives.received.length === sent.length * 2, 'everything')
    await bed.stop()
  })

  test('let what comes meanwhile go to the exporter that takes the place of one that stood on them', async () => {
    const { bed, lives } = await run({
      extensions: { key: { mark: 'old' } },
      exporters: { 'life_sink/old': { key: 'key' } },
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    lives.hanging.set('key', promise)
    const reloading = bed.reload(
      config({ extensions: { key: { mark: 'new' } }, exporters: { 'life_sink/new': { key: 'key' } } }),
    )
    await bed.until(() => !lives.hanging.has('key'), 'the old ones to have stopped')
    const sent = [bed.send('logs', logsRequest('one')), bed.send('logs', logsRequest('two'))]
    resolve()
    await reloading
    await Promise.all(sent)
    await bed.stop()
    assert.equal(bed.metrics.total('telegen.dropped.items'), 0)
    assert.deepEqual(
      lives.received.map(({ sink }) => sink),
      ['life_sink/new', 'life_sink/new'],
    )
  })
})
