import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadAddon } from '../../../src/native.ts'
import type { WorkerStart } from '../../../src/receivers/ebpf/messages.ts'
import { WorkerThread } from '../../../src/receivers/ebpf/worker-thread.ts'
import { TestClock } from '../../../src/testing.ts'

const loaded = loadAddon()
const lacking =
  loaded.kind === 'unavailable' ? loaded.reason : process.getuid?.() === 0 ? undefined : 'making a ring needs root'
const skip = lacking ?? false

const startOf = (ring: number, tracers: WorkerStart['tracers']): WorkerStart => ({
  ring,
  tracers,
  signals: ['traces', 'metrics', 'logs'],
  ownPids: [process.pid],
  isFollowed: false,
  config: {
    selection: { include: [], exclude: [] },
    rootPath: '',
    metricsInterval: 60_000,
    flushInterval: 200,
    series: 10,
    eventsPerSecond: 0,
    batchItems: 10,
  },
})

/** A thread over a ring in which nothing is, and what it says. */
async function withThread(
  tracers: WorkerStart['tracers'],
  use: (thread: WorkerThread, said: string[], clock: TestClock) => Promise<void>,
): Promise<void> {
  const { addon } = loaded as Extract<typeof loaded, { kind: 'loaded' }>
  const ring = addon.createMap({ name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 65_536 })
  const clock = new TestClock()
  const said: string[] = []
  const thread = new WorkerThread(startOf(ring, tracers), clock, {
    running: () => void said.push('running'),
    batch: (message, emptied) => {
      said.push(`batch of ${message.signal}`)
      emptied()
    },
    verdicts: () => {},
    counts: () => {},
    faults: (faults) => void said.push(...faults),
    news: () => {},
    died: (reason, restartIn) => void said.push(`${reason}, again in ${restartIn}`),
  })
  try {
    await use(thread, said, clock)
  } finally {
    await thread.end(AbortSignal.timeout(5_000))
    addon.closeDescriptor(ring)
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 20_000; !condition();) {
    if (performance.now() > end) throw new Error(`waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a thread runs its tracers, and ends when it is told to', { skip }, async () => {
  const { dnsOptions } = await import('../../../src/receivers/ebpf/tracers/dns/options.ts')
  const options = Object.fromEntries(
    Object.entries(dnsOptions.properties).map(([name, option]) => [
      name,
      (option as unknown as { default: unknown }).default,
    ]),
  )
  await withThread([{ name: 'dns', options: { ...options, timeout: 5_000 } }], async (thread, said) => {
    thread.begin()
    await until(() => said.length > 0, 'the thread')
    assert.deepEqual(said, ['running'])
    await thread.end(AbortSignal.timeout(10_000))
    assert.deepEqual(said, ['running'])
  })
})

test('a thread that dies is started again, each time later, until it is told to end', { skip }, async () => {
  await withThread([{ name: 'nothing', options: {} }], async (thread, said, clock) => {
    thread.begin()
    await until(() => said.length === 1, 'its end')
    assert.match(said[0] as string, /there is no tracer "nothing", again in 1000/)
    clock.turn(999)
    assert.equal(clock.waiting, 1)
    clock.turn(1)
    await until(() => said.length === 2, 'its second end')
    assert.match(said[1] as string, /again in 2000/)
    await thread.end(AbortSignal.timeout(1_000))
    assert.equal(clock.waiting, 0)
  })
})

test('a thread that does not end by its deadline is ended', { skip }, async () => {
  await withThread([], async (thread, said) => {
    thread.begin()
    await until(() => said.includes('running'), 'the thread')
    const began = performance.now()
    await thread.end(AbortSignal.abort())
    assert.ok(performance.now() - began < 5_000)
  })
})
