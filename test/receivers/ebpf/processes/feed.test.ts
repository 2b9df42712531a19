import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, test } from 'node:test'
import { loadAddon, inProcessLoader, Unavailable } from '../../../../src/native.ts'
import { ComponentId, defineProcessor, Options, ProcessFeed } from '../../../../src/plugin.ts'
import type { Log, ProcessNews } from '../../../../src/plugin.ts'
import { FeedHub } from '../../../../src/receivers/ebpf/processes/feed-hub.ts'
import { NEWS_MAX, NewsBuffer } from '../../../../src/receivers/ebpf/processes/news-buffer.ts'
import { Selection } from '../../../../src/receivers/ebpf/processes/selection.ts'
import { ProcessTable } from '../../../../src/receivers/ebpf/processes/table.ts'
import { TestBed } from '../../../../src/testing.ts'

const processOf = (pid: number) => ({ pid, name: 'sh', traced: true, resource: {} })
const started = (pid: number): ProcessNews => ({ kind: 'started', time: 1n, process: processOf(pid) })
const exited = (pid: number): ProcessNews => ({
  kind: 'exited',
  time: 2n,
  process: processOf(pid),
  code: 0,
  duration: 1,
  processorTime: 0,
})

function hub() {
  const wanted: boolean[] = []
  const errors: string[] = []
  const log = { error: (_fields: object, message: string) => void errors.push(message) } as unknown as Log
  const table = () =>
    new ProcessTable({ selection: new Selection({ include: [], exclude: [] }), own: [], verdict: () => {} })
  return { hub: new FeedHub({ log, table, onWanted: (is) => wanted.push(is) }), wanted, errors }
}

describe('News of processes', () => {
  test('are held for nobody, and no more than so many for somebody', () => {
    const buffer = new NewsBuffer()
    buffer.add(started(1))
    assert.equal(buffer.take(), undefined)
    buffer.isWanted = true
    for (let pid = 1; pid <= NEWS_MAX + 3; pid++) buffer.add(started(pid))
    const taken = buffer.take()
    assert.equal(taken?.news.length, NEWS_MAX)
    assert.equal(taken?.missed, 3)
    assert.equal(buffer.take(), undefined)
    buffer.add(started(1))
    buffer.isWanted = false
    assert.equal(buffer.take(), undefined)
  })

  test('go to all who listen, from the first to the last', () => {
    const { hub: feed, wanted } = hub()
    const heard: string[] = []
    const stops = ['a', 'b'].map((name) =>
      feed.subscribe({
        news: (news) => void heard.push(`${name} ${news.map(({ kind }) => kind).join()}`),
        missed: (count) => void heard.push(`${name} missed ${count}`),
      }),
    )
    feed.hear([started(1), exited(1)], 0)
    feed.hear([], 4)
    stops[0]?.()
    stops[0]?.()
    feed.hear([started(1)], 0)
    stops[1]?.()
    feed.hear([started(1)], 0)
    assert.deepEqual(heard, ['a started,exited', 'b started,exited', 'a missed 4', 'b missed 4', 'b started'])
    assert.deepEqual(wanted, [true, false])
  })

  test('a listener that throws is told of, and the others hear', () => {
    const { hub: feed, errors } = hub()
    let heard = 0
    feed.subscribe({
      news: () => {
        throw new Error('no')
      },
    })
    feed.subscribe({ news: () => void heard++ })
    feed.hear([started(1)], 0)
    assert.equal(heard, 1)
    assert.deepEqual(errors, ['A listener to processes threw'])
  })

  test(
    'who is asked for is found as it was told, else in /proc, and not when it is gone',
    { skip: process.platform !== 'linux' },
    () => {
      const { hub: feed } = hub()
      assert.equal(feed.find(process.pid)?.parent, process.ppid)
      const stop = feed.subscribe({ news: () => {} })
      const gone = 4_194_303
      assert.equal(feed.find(gone), undefined)
      feed.hear([started(gone)], 0)
      assert.deepEqual(feed.find(gone), processOf(gone))
      feed.hear([exited(gone)], 0)
      assert.equal(feed.find(gone), undefined)
      feed.hear([started(gone)], 0)
      // What ended may be among what was missed.
      feed.hear([], 1)
      assert.equal(feed.find(gone), undefined)
      feed.hear([started(gone)], 0)
      stop()
      assert.equal(feed.find(gone), undefined)
    },
  )
})

/** What the processor below was told. */
let told: ProcessNews[] = []

const follower = defineProcessor({
  type: 'follower',
  summary: 'Follows processes.',
  stability: { traces: 'development' },
  config: Options({ processes: ComponentId({ of: 'receiver', offering: ProcessFeed, description: 'Who sees them.' }) }),
  create(context) {
    let stop = () => {}
    return {
      start: async () => {
        stop = context
          .extension(ProcessFeed, context.config.processes)
          .subscribe({ news: (news) => void told.push(...news) })
      },
      stop: async () => stop(),
      steps: [],
    }
  },
})

/** Why programs cannot be loaded here. */
async function whyNot(): Promise<string | false> {
  const loaded = loadAddon()
  if (loaded.kind === 'unavailable') return loaded.reason
  const loader = inProcessLoader({ addon: loaded.addon, folder: loaded.folder, log: { info: () => {} } as never })
  try {
    await loader.ring(64 * 1024)
    return false
  } catch (error) {
    if (error instanceof Unavailable) return error.message
    throw error
  } finally {
    await loader.close()
  }
}

describe('A component that follows processes', { skip: await whyNot() }, () => {
  let bed: TestBed | undefined
  afterEach(async () => {
    await bed?.stop()
    bed = undefined
  })

  const yaml = (tracer: string) => `
receivers: { ebpf: { ring_size: 1MiB, tracers: { ${tracer}: } } }
processors: { follower: { processes: ebpf } }
exporters: { test_sink: }
service: { pipelines: { traces: { receivers: [ebpf], processors: [follower], exporters: [test_sink] } } }`

  test('is told of starts and ends, also where no records leave the receiver', async () => {
    told = []
    bed = await TestBed.start(yaml('exec'), { definitions: [follower] })
    const running = bed
    const child = spawn('bash', ['-c', 'exit 5', '--password=x'])
    await once(child, 'exit')
    const mine = () => told.filter(({ process }) => process.pid === child.pid)
    await running.until(() => mine().length >= 2, 'news of the process')
    const [start, end] = mine()
    assert.equal(start?.kind, 'started')
    assert.deepEqual(start?.process.arguments, ['bash', '-c', 'exit 5', '--password=[REDACTED]'])
    assert.equal(start?.process.parent, process.pid)
    assert.equal(start?.process.resource['service.name'], 'bash')
    assert.equal(end?.kind, 'exited')
    assert.equal(end?.kind === 'exited' ? end.code : undefined, 5)
  })

  test('cannot name a receiver whose tracer exec is off', async () => {
    await assert.rejects(
      TestBed.start(yaml('dns'), { definitions: [follower] }),
      /references a receiver that does not offer process feed/,
    )
  })
})
