import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { TestClock } from '../../../src/testing/test-clock.ts'
import type { SeenPoint } from './host.ts'
import { fixture, host, values } from './host.ts'

const folders: string[] = []
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

/** A host whose files a test changes between scrapes. */
function changingHost(scrapers: object) {
  const root = mkdtempSync(join(tmpdir(), 'telegen-host-'))
  folders.push(root)
  cpSync(fixture('linux-6.18'), root, { recursive: true })
  const clock = new TestClock(Date.UTC(2026, 10, 22))
  const scrape = host(scrapers, { root_path: root }, clock)
  const file = (path: string) => join(root, 'proc', path)
  return {
    clock,
    write: (path: string, text: string) => writeFileSync(file(path), text),
    replace: (path: string, before: string | RegExp, text: string) =>
      writeFileSync(file(path), readFileSync(file(path), 'utf8').replace(before, text)),
    file,
    scrapeUntil: scrape,
    scrape: async () => {
      await clock.advance(60_000)
      return scrape()
    },
  }
}

/** A file that keeps its reader waiting. */
const MAKE_PIPE = 'mkfifo'
const BOOT = 1795312525_000_000_000n
const startOf = (points: readonly SeenPoint[], metric: string, device: string): bigint | undefined =>
  points.find((point) => point.metric === metric && Object.values(point.attributes).includes(device))?.start

describe('host_metrics from scrape to scrape', () => {
  test('reports utilization from the second scrape on, as shares of the time between', async () => {
    const machine = changingHost({ cpu: { metrics: { 'system.cpu.utilization': { enabled: true } } } })
    machine.write('stat', 'cpu  100 0 50 800 50 0 0 0 0 0\nbtime 1795312525\n')
    const first = await machine.scrape()
    assert.deepEqual(values(first.points, 'system.cpu.utilization'), {})
    machine.write('stat', 'cpu  130 0 60 850 50 0 10 0 0 0\nbtime 1795312525\n')
    const second = await machine.scrape()
    const expected = { user: 0.3, nice: 0, system: 0.1, idle: 0.5, iowait: 0, interrupt: 0.1, steal: 0 }
    assert.deepEqual(values(second.points, 'system.cpu.utilization'), expected)
  })

  test('reports no utilization where a CPU began to count anew', async () => {
    const machine = changingHost({ cpu: { metrics: { 'system.cpu.utilization': { enabled: true } } } })
    machine.write('stat', 'cpu  100 0 50 800 50 0 0 0 0 0\nbtime 1795312525\n')
    await machine.scrape()
    machine.write('stat', 'cpu  2000 0 60 10 50 0 0 0 0 0\nbtime 1795312525\n')
    assert.deepEqual(values((await machine.scrape()).points, 'system.cpu.utilization'), {})
  })

  test('holds a CPU time that the kernel takes back by a little', async () => {
    const machine = changingHost({ cpu: {} })
    machine.write('stat', 'cpu  100 0 50 800 250 0 0 0 0 0\nbtime 1795312525\n')
    await machine.scrape()
    machine.write('stat', 'cpu  130 0 60 850 249 0 0 0 0 0\nbtime 1795312525\n')
    const { points } = await machine.scrape()
    assert.equal(values(points, 'system.cpu.time')['iowait'], 2.5)
    assert.equal(startOf(points, 'system.cpu.time', 'iowait'), BOOT)
  })

  test('begins a counter that fell anew, at the scrape before, and leaves the others of its device alone', async () => {
    const machine = changingHost({ disk: { include: { devices: ['vda'], match_type: 'strict' } } })
    const { points: before } = await machine.scrape()
    machine.replace('diskstats', ' 61320 ', ' 12 ')
    const { points } = await machine.scrape()
    assert.equal(values(points, 'system.disk.io_time')['vda'], 0.012)
    assert.equal(startOf(points, 'system.disk.io_time', 'vda'), before[0]?.time)
    assert.equal(startOf(points, 'system.disk.operations', 'vda'), BOOT)
    machine.replace('diskstats', ' 12 ', ' 13 ')
    const { points: third } = await machine.scrape()
    assert.equal(startOf(third, 'system.disk.io_time', 'vda'), before[0]?.time)
  })

  test('begins an interface that is plugged in later, or again, at the scrape before', async () => {
    const machine = changingHost({ network: {} })
    const { points: first } = await machine.scrape()
    assert.equal(startOf(first, 'system.network.io', 'eth0'), BOOT)
    const line = /^ +eth0:.*\n/m
    machine.replace('1/net/dev', line, '')
    const { points: second } = await machine.scrape()
    assert.equal(values(second, 'system.network.io')['eth0 receive'], undefined)
    machine.replace('1/net/dev', /$/, '  eth0: 999999999999 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0\n')
    const { points: third } = await machine.scrape()
    assert.equal(values(third, 'system.network.io')['eth0 receive'], 999999999999)
    assert.equal(startOf(third, 'system.network.io', 'eth0'), second[0]?.time)
    assert.equal(startOf(third, 'system.network.io', 'lo'), BOOT)
    const { points: fourth } = await machine.scrape()
    assert.equal(startOf(fourth, 'system.network.io', 'eth0'), second[0]?.time)
  })

  test('keeps its starts when the boot time wavers, and takes a new one when the clock is set', async () => {
    const machine = changingHost({ paging: {} })
    const start = async () => (await machine.scrape()).points.find(({ kind }) => kind === 'counter')?.start
    assert.equal(await start(), BOOT)
    machine.replace('stat', 'btime 1795312525', 'btime 1795312526')
    assert.equal(await start(), BOOT)
    // The machine slept for an hour: the clocks differ, and the boot is where it was.
    machine.clock.now = () => Date.UTC(2026, 10, 22, 1)
    assert.equal(await start(), BOOT)
    machine.clock.now = () => Date.UTC(2030, 0, 1)
    machine.replace('stat', 'btime 1795312526', 'btime 1893000000')
    assert.equal(await start(), 1893000000_000_000_000n)
  })

  test('reports counters without a start where the boot time is not to be had, and says so', async () => {
    const machine = changingHost({ paging: {} })
    machine.replace('stat', 'btime 1795312525', '')
    const { points, errors } = await machine.scrape()
    assert.deepEqual(errors, ['/proc/stat does not tell the boot time (btime)'])
    assert.equal(points.find(({ kind }) => kind === 'counter')?.start, undefined)
    assert.deepEqual(values(points, 'system.paging.faults')['major'], 3052)
  })

  test('reports nothing at all where nothing can be read', async () => {
    const { points, errors } = await host({ memory: {}, load: {} }, { root_path: fixture('nowhere') })()
    assert.deepEqual(points, [])
    assert.equal(errors.length, 3)
  })

  test('leaves a scrape that runs out of time', async () => {
    const { points, errors } = await host({ memory: {} })(AbortSignal.abort(new Error('enough')))
    assert.deepEqual(points, [])
    assert.ok(errors.includes('memory: the scrape ran out of time'))
  })

  test('does not read again what has not been read to its end, and reads the rest', async (context) => {
    const machine = changingHost({ memory: {}, load: {} })
    const path = machine.file('meminfo')
    rmSync(path)
    try {
      execFileSync(MAKE_PIPE, [path])
    } catch (error) {
      return context.skip(`there is nothing to hang on: ${(error as Error).message}`)
    }
    try {
      const abort = new AbortController()
      const first = machine.scrapeUntil(abort.signal)
      abort.abort(new Error('enough'))
      assert.ok((await first).errors.includes('memory: the scrape ran out of time'))
      const busy = 'memory: the reading before has not ended yet'
      for (let attempt = 0; attempt < 100; attempt++) {
        const { points, errors } = await machine.scrape()
        assert.ok(errors.includes(busy))
        // The load may be read to its end a moment later, too.
        if (errors.length === 1) return assert.equal(values(points, 'system.cpu.load_average.1m')[''], 0.72)
      }
      assert.fail('the load was never read')
    } finally {
      // Lets the reader go, which finds an end at once.
      closeSync(openSync(path, 'w'))
    }
  })
})
