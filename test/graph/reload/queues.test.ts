import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Refused } from '../../../src/plugin.ts'
import { TestBed } from '../../../src/testing.ts'
import { bodiesOf, logsRequest } from '../requests.ts'

const RETRY = { initial_interval: '10ms', max_interval: '20ms' }

interface Shape {
  readonly storage?: { readonly directory: string; readonly max_size?: string }
  readonly timeout?: string
  readonly exporter?: string
  readonly processors?: object
}

const config = ({ storage, timeout = '5s', exporter = 'test_sink', processors = {} }: Shape) =>
  JSON.stringify({
    ...(storage && { extensions: { file_storage: storage } }),
    receivers: { test_source: null },
    processors,
    exporters: {
      [exporter]: {
        timeout,
        retry_on_failure: RETRY,
        sending_queue: { num_consumers: 2, ...(storage && { storage: 'file_storage' }) },
      },
    },
    service: {
      ...(storage && { extensions: ['file_storage'] }),
      pipelines: {
        logs: { receivers: ['test_source'], processors: Object.keys(processors), exporters: [exporter] },
      },
    },
  })

/** A bed whose backend is away, with ten requests in its queue. */
async function waiting(shape: Shape) {
  let isDown = true
  const bed = await TestBed.start(config(shape), {
    onSend: () => {
      if (isDown) throw new Refused('down', { code: 'unavailable', retry: {} })
    },
  })
  const bodies = Array.from({ length: 10 }, (_, index) => `record ${index}`)
  for (const body of bodies) await bed.send('logs', logsRequest(body))
  /** The backend is back: everything arrives, once, and nothing was dropped. */
  const arrives = async (exporter = 'test_sink') => {
    isDown = false
    const requests = await bed.requests(bodies.length, exporter)
    assert.deepEqual(bodiesOf(requests).sort(), bodies)
    assert.equal(bed.metrics.total('telegen.dropped.items'), 0)
    await bed.stop()
  }
  return { bed, arrives }
}

async function folder(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'telegen-reload-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

describe('a sending queue that is full of what a dead backend does not take', () => {
  test('in memory goes from a changed exporter to its successor', async () => {
    const { bed, arrives } = await waiting({})
    await bed.reload(config({ timeout: '6s' }))
    await arrives()
  })

  test('in memory stays where it is while everything around it changes', async () => {
    const { bed, arrives } = await waiting({})
    const changes = await bed.reload(config({ processors: { batch: null } }))
    assert.ok(changes?.kept.includes('exporter test_sink'))
    await arrives()
  })

  test('on disk goes from a changed exporter to its successor', async (context) => {
    const storage = { directory: await folder(context) }
    const { bed, arrives } = await waiting({ storage })
    await bed.reload(config({ storage, timeout: '6s' }))
    await arrives()
  })

  test('on disk is opened again where the storage itself changes', async (context) => {
    const storage = { directory: await folder(context) }
    const { bed, arrives } = await waiting({ storage })
    const changes = await bed.reload(config({ storage: { ...storage, max_size: '300MiB' } }))
    assert.deepEqual(changes?.started, ['extension file_storage', 'exporter test_sink'])
    await arrives()
  })

  test('in memory goes to disk where the exporter gets a storage', async (context) => {
    const storage = { directory: await folder(context) }
    const { bed, arrives } = await waiting({})
    await bed.reload(config({ storage }))
    await arrives()
  })

  test('of an exporter that goes drains until the deadline, and what is left then is counted', async () => {
    const { bed } = await waiting({})
    await bed.reload(config({ exporter: 'test_sink/other' }), { drain: AbortSignal.timeout(50) })
    assert.equal(bed.metrics.total('telegen.dropped.items', { component: 'test_sink' }), 10)
    await bed.stop()
  })
})
