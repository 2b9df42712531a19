import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Refused } from '../../../src/plugin.ts'
import { TestBed } from '../../../src/testing.ts'
import { logsRequest, spansRequest } from '../requests.ts'

const pipeline = { receivers: ['test_source'], exporters: ['test_sink'] }

/** An exporter of two signals; `storages`: directories by the ids of extensions, `storage`: the one that it uses. */
const config = (storages: Record<string, string>, storage?: string) =>
  JSON.stringify({
    extensions: Object.fromEntries(Object.entries(storages).map(([id, directory]) => [id, { directory }])),
    receivers: { test_source: null },
    exporters: {
      test_sink: {
        retry_on_failure: { initial_interval: '10ms', max_interval: '20ms' },
        sending_queue: { num_consumers: 2, ...(storage && { storage }) },
      },
    },
    service: { extensions: Object.keys(storages), pipelines: { logs: pipeline, traces: pipeline } },
  })

async function folder(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'telegen-adoption-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A directory in which there is a file where the queues, or one of them, would be. */
async function blocked(context: TestContext, path: string): Promise<string> {
  const directory = await folder(context)
  await mkdir(dirname(join(directory, path)), { recursive: true })
  await writeFile(join(directory, path), 'in the way')
  return directory
}

const [FIRST, SECOND] = ['file_storage/first', 'file_storage/second']
const PLACES = { 'both queues': 'queues', 'one of its queues': 'queues/exporter%2ftest_sink%2ftraces' }

describe('a reload after which an exporter cannot open', () => {
  for (const [what, path] of Object.entries(PLACES))
    for (const [how, before, after] of [
      ['on the storage that it gets', undefined, SECOND],
      ['on another storage than before', FIRST, SECOND],
      ['in the other directory of its storage', FIRST, FIRST],
    ] as const)
      test(`${what} ${how} is taken back, and all that waits is sent`, async (context) => {
        const good = { [FIRST]: await folder(context) }
        const bed = await TestBed.start(config(good, before))
        context.after(() => bed.stop(AbortSignal.abort()).catch(() => {}))
        bed.onSend = () => {
          throw new Refused('down', { code: 'unavailable', retry: {} })
        }
        const send = async (mark: string) => {
          await bed.send('logs', logsRequest(`record ${mark}`))
          await bed.send('traces', spansRequest(`record ${mark}`))
        }
        await send('before')
        await assert.rejects(bed.reload(config({ ...good, [after]: await blocked(context, path) }, after)), /test_sink/)
        assert.ok(bed.graph.isWhole)
        await send('after')
        bed.onSend = undefined
        await bed.requests(4)
        const records = bed.sent.map(({ bytes }) => `${/record (before|after)/.exec(bytes.toString('latin1'))?.[0]}`)
        assert.deepEqual(records.toSorted(), ['record after', 'record after', 'record before', 'record before'])
        await bed.reload(config(good))
        await bed.stop()
        assert.equal(bed.metrics.total('telegen.dropped.items'), 0)
      })
})
