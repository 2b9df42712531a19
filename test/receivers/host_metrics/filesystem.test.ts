import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { metrics } from '../../../src/plugin.ts'
import { settle, TestClock } from '../../../src/testing/test-clock.ts'
import type { Examine, Space } from '../../../src/receivers/host_metrics/filesystem-space.ts'
import { examineSpace, SpaceInspector } from '../../../src/receivers/host_metrics/filesystem-space.ts'
import { HostFiles } from '../../../src/receivers/host_metrics/host-files.ts'
import { enabledMetrics, Recorder } from '../../../src/receivers/host_metrics/metric.ts'
import type { Mount } from '../../../src/receivers/host_metrics/proc/mounts.ts'
import { filesystem, filesystemMetrics } from '../../../src/receivers/host_metrics/scrapers/filesystem.ts'
import { configuration, fixture, pointsOf, values } from './host.ts'

const SPACE: Space = { limit: 1000n, used: 600n, free: 300n, reserved: 100n, inodes: 50n, freeInodes: 20n }

/** Scrapes the mounts of a fixture with filesystems that a test answers for. */
async function scrape(options: object, examine: Examine = async () => SPACE) {
  const clock = new TestClock()
  const { filesystem: config } = configuration({ filesystem: options }).scrapers
  const enabled = enabledMetrics(filesystemMetrics, config!.metrics)
  const files = new HostFiles(fixture('linux-6.18'))
  const scraper = filesystem({ files, clock, enabled, options: config as never }, new SpaceInspector(examine))
  const reading = await scraper(new AbortController().signal)
  const builder = metrics({})
  const recorder = new Recorder(filesystemMetrics, enabled, builder, { time: 1n, boot: 0n })
  reading(recorder)
  return { points: pointsOf(builder.finish()), faults: recorder.faults.map(({ message }) => message) }
}

const mountpoints = async (options: object) => {
  const { points } = await scrape(options)
  return [...new Set(points.map(({ attributes }) => attributes['system.filesystem.mountpoint']))]
}

describe('the filesystem scraper', () => {
  test('reports space and inodes by state, device, type, mode and mount point', async () => {
    const { points } = await scrape({ metrics: { 'system.filesystem.limit': { enabled: true } } })
    const root = points.filter(({ attributes }) => attributes['system.filesystem.mountpoint'] === '/')
    assert.deepEqual(values(root, 'system.filesystem.usage'), {
      '/dev/vda ext4 rw / used': 600,
      '/dev/vda ext4 rw / free': 300,
      '/dev/vda ext4 rw / reserved': 100,
    })
    assert.deepEqual(values(root, 'system.filesystem.limit'), { '/dev/vda ext4 rw /': 1000 })
    assert.deepEqual(values(root, 'system.filesystem.inodes.usage'), {
      '/dev/vda ext4 rw / used': 30,
      '/dev/vda ext4 rw / free': 20,
    })
  })

  test('leaves out filesystems without a disk, unless they are wanted', async () => {
    assert.deepEqual(await mountpoints({}), ['/', '/mnt/my data', '/srv'])
    const all = await mountpoints({ include_virtual_filesystems: true })
    assert.deepEqual(all, ['/proc', '/sys', '/dev/shm', '/', '/mnt/my data', '/srv', '/mnt/share'])
  })

  test('reports the mount that hides another one on its mount point', async () => {
    const { points } = await scrape({ include_mount_points: { mount_points: ['/srv'], match_type: 'strict' } })
    assert.deepEqual(
      new Set(
        points.map(({ attributes }) => [attributes['system.device'], attributes['system.filesystem.mode']].join(' ')),
      ),
      new Set(['/dev/vdd ro']),
    )
  })

  test('selects by device, type and mount point', async () => {
    const types = { include_fs_types: { fs_types: ['xfs'], match_type: 'strict' } }
    assert.deepEqual(await mountpoints(types), ['/mnt/my data'])
    const devices = { exclude_devices: { devices: ['/vd[bd]'], match_type: 'regexp' } }
    assert.deepEqual(await mountpoints(devices), ['/'])
    const points = { exclude_mount_points: { mount_points: ['/', '/srv'], match_type: 'strict' } }
    assert.deepEqual(await mountpoints(points), ['/mnt/my data'])
  })

  test('reports the rest when a filesystem cannot be asked', async () => {
    const { points, faults } = await scrape({}, async (path) => {
      if (path.endsWith('/srv')) throw new Error('input/output error')
      return SPACE
    })
    assert.deepEqual(faults, ['input/output error'])
    assert.equal(points.length, 10)
  })

  test('has nothing to say of filesystems without a size or without inodes', async () => {
    const { points } = await scrape({}, async (path) =>
      path.endsWith('/srv') ? { ...SPACE, limit: 0n, inodes: 0n } : { ...SPACE, inodes: 0n },
    )
    assert.equal(points.length, 6)
  })

  test('asks for the device that the mount table tells, where the files are under root_path', async () => {
    const asked: (string | undefined)[] = []
    await scrape({}, async (_, device) => {
      asked.push(device)
      return SPACE
    })
    assert.deepEqual(asked, ['254:0', '254:16', '254:48'])
  })
})

const mount = (mountpoint: string, type: string): Mount => ({
  device: 'd',
  mountpoint,
  type,
  mode: 'rw',
  number: '1:1',
})

/** Filesystems that answer when the test lets them. */
function sleepyFilesystems() {
  const clock = new TestClock()
  const waiting = new Map<string, PromiseWithResolvers<Space>>()
  let asked = 0
  const inspector = new SpaceInspector((path) => {
    asked++
    const answer = Promise.withResolvers<Space>()
    waiting.set(path, answer)
    return answer.promise
  })
  const ask = (path: string, type: string): Promise<Space | string> =>
    inspector.inspect(path, mount(path, type), clock).catch((error: Error) => error.message)
  const askUntilLate = async (path: string, type: string) => {
    const answer = ask(path, type)
    await clock.advance(2000)
    return answer
  }
  const refusal = async (path: string, type: string): Promise<string> => {
    const answer = await ask(path, type)
    return typeof answer === 'string' ? answer : 'answered'
  }
  return { ask, refusal, askUntilLate, waiting, asked: () => asked }
}

describe('a filesystem that does not answer', () => {
  test('is given up after two seconds, and not asked again before it has answered', async () => {
    const { ask, askUntilLate, waiting, asked } = sleepyFilesystems()
    assert.equal(await askUntilLate('/nfs', 'nfs4'), '/nfs (nfs4) did not answer within 2000 ms')
    assert.equal(await ask('/nfs', 'nfs4'), '/nfs (nfs4) still does not answer')
    assert.equal(asked(), 1)
    waiting.get('/nfs')?.resolve(SPACE)
    await settle()
    const answer = ask('/nfs', 'nfs4')
    assert.equal(asked(), 2)
    waiting.get('/nfs')?.resolve(SPACE)
    assert.equal(await answer, SPACE)
  })

  test('keeps others from being asked when too many hang: remote ones first, local ones last', async () => {
    const { refusal, askUntilLate, asked } = sleepyFilesystems()
    await askUntilLate('/a', 'nfs')
    await askUntilLate('/b', 'fuse.sshfs')
    assert.match(await refusal('/c', 'cifs'), /^\/c \(cifs\) was not asked, since \/a and \/b do not answer$/)
    await askUntilLate('/d', 'ext4')
    assert.match(await refusal('/e', 'ext4'), /was not asked/)
    assert.equal(asked(), 3)
  })

  test('is asked once when two receivers want to know at the same time', async () => {
    const { ask, waiting, asked } = sleepyFilesystems()
    const both = [ask('/a', 'ext4'), ask('/a', 'ext4')]
    waiting.get('/a')?.resolve(SPACE)
    assert.deepEqual(await Promise.all(both), [SPACE, SPACE])
    assert.equal(asked(), 1)
  })

  test('is refused where another filesystem lies at its mount point', async () => {
    await assert.rejects(examineSpace('/', '4095:1048575'), /the mount on \/ cannot be seen from here/)
  })
})
