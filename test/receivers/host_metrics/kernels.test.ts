import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fixture, host, values } from './host.ts'

const everything = (scraper: string, ...metrics: string[]) => ({
  [scraper]: { metrics: Object.fromEntries(metrics.map((name) => [name, { enabled: true }])) },
})
const kernel = (name: string) => ({ root_path: fixture(name) })

describe('host_metrics on a kernel of today', () => {
  const here = kernel('linux-6.18')

  test('reports the CPU time of all CPUs by mode, soft interrupts among the interrupts', async () => {
    const { points, errors } = await host({ cpu: {} }, here)()
    assert.deepEqual(errors, [])
    assert.deepEqual(values(points, 'system.cpu.time'), {
      user: 596.35,
      nice: 0,
      system: 253.08,
      idle: 5184.72,
      iowait: 43.12,
      interrupt: 6.02,
      steal: 99.74,
    })
  })

  test('reports the CPU time of each CPU where that is wanted', async () => {
    const { points } = await host({ cpu: { per_cpu: true } }, here)()
    const times = values(points, 'system.cpu.time')
    assert.equal(times['0 user'], 282.36)
    assert.equal(times['1 user'], 313.99)
    assert.equal(Object.keys(times).length, 14)
  })

  test('counts from the boot, and gauges from nowhere', async () => {
    const { points } = await host({ cpu: {}, memory: {}, disk: {}, load: {}, system: {} }, here)()
    const boot = 1795312525_000_000_000n
    for (const { kind, start } of points) assert.equal(start, kind === 'gauge' ? undefined : boot)
  })

  test('counts cores by their siblings and reads frequencies from the driver', async () => {
    const scrapers = everything('cpu', 'system.cpu.logical.count', 'system.cpu.physical.count', 'system.cpu.frequency')
    const { points } = await host(scrapers, here)()
    assert.deepEqual(values(points, 'system.cpu.logical.count'), { '': 2 })
    assert.deepEqual(values(points, 'system.cpu.physical.count'), { '': 1 })
    assert.deepEqual(values(points, 'system.cpu.frequency'), { 0: 2_500_000_000, 1: 3_100_000_000 })
  })

  test('reports memory by state: used is what is not available', async () => {
    const scrapers = everything('memory', 'system.memory.utilization', 'system.memory.limit')
    const { points } = await host(scrapers, here)()
    const limit = 24684092 * 1024
    const usage = {
      used: (24684092 - 24204892) * 1024,
      free: 24023444 * 1024,
      cached: 318132 * 1024,
      buffers: 5020 * 1024,
    }
    assert.deepEqual(values(points, 'system.memory.usage'), usage)
    assert.deepEqual(values(points, 'system.memory.limit'), { '': limit })
    assert.equal(values(points, 'system.memory.utilization')['used'], usage.used / limit)
    assert.deepEqual(values(points, 'system.memory.linux.slab.usage'), {
      reclaimable: 153764 * 1024,
      unreclaimable: 26596 * 1024,
    })
  })

  test('reports swap areas by device, with blanks in their names', async () => {
    const { points } = await host({ paging: {} }, here)()
    assert.deepEqual(values(points, 'system.paging.usage'), {
      '/dev/zram0 used': 1048576 * 1024,
      '/dev/zram0 free': (12342044 - 1048576) * 1024,
      '/var/swap file used': 0,
      '/var/swap file free': 2097148 * 1024,
    })
    assert.deepEqual(values(points, 'system.paging.faults'), { major: 3052, minor: 13820151 - 3052 })
  })

  test('reports disks in bytes and seconds, and their sizes', async () => {
    const { points, errors } = await host(
      {
        disk: {
          include: { devices: ['vda'], match_type: 'strict' },
          metrics: { 'system.disk.limit': { enabled: true } },
        },
      },
      here,
    )()
    assert.deepEqual(errors, [])
    assert.deepEqual(values(points, 'system.disk.io'), { 'vda read': 5917906 * 512, 'vda write': 3363152 * 512 })
    assert.deepEqual(values(points, 'system.disk.operations'), { 'vda read': 168610, 'vda write': 17619 })
    assert.deepEqual(values(points, 'system.disk.merged'), { 'vda read': 32045, 'vda write': 110755 })
    assert.deepEqual(values(points, 'system.disk.operation_time'), { 'vda read': 196.858, 'vda write': 32.239 })
    assert.deepEqual(values(points, 'system.disk.io_time'), { vda: 61.32 })
    assert.deepEqual(values(points, 'system.disk.weighted_io_time'), { vda: 238.576 })
    assert.deepEqual(values(points, 'system.disk.limit'), { vda: 528424960 * 512 })
  })

  test('reports interfaces by direction, and TCP sockets of both families by state', async () => {
    const { points } = await host(
      { network: { exclude: { interfaces: ['^ifb', '^lo$'], match_type: 'regexp' } } },
      here,
    )()
    assert.deepEqual(values(points, 'system.network.io'), { 'eth0 receive': 628203763, 'eth0 transmit': 1877166 })
    assert.deepEqual(values(points, 'system.network.packet.count'), { 'eth0 receive': 18012, 'eth0 transmit': 12433 })
    const sockets = values(points, 'system.network.connection.count')
    assert.deepEqual(
      Object.entries(sockets).filter(([, count]) => count > 0),
      [
        ['tcp established', 2],
        ['tcp syn_received', 1],
        ['tcp time_wait', 1],
        ['tcp listen', 2],
      ],
    )
    assert.equal(Object.keys(sockets).length, 11)
  })

  test('counts processes by state, whatever they call themselves', async () => {
    const { points } = await host(everything('processes', 'system.process.limit'), here)()
    assert.deepEqual(values(points, 'system.process.count'), {
      running: 1,
      sleeping: 2,
      stopped: 0,
      defunct: 1,
      blocked: 1,
      idle: 1,
    })
    assert.deepEqual(values(points, 'system.process.created'), { '': 14481 })
  })

  test('reports load averages and uptime, by CPU where that is wanted', async () => {
    const { points } = await host({ load: { cpu_average: true }, system: {} }, here)()
    assert.deepEqual(values(points, 'system.cpu.load_average.1m'), { '': 0.36 })
    assert.deepEqual(values(points, 'system.cpu.load_average.15m'), { '': 0.36 })
    assert.deepEqual(values(points, 'system.uptime'), { '': 3081.09 })
  })
})

describe('host_metrics on an old kernel', () => {
  const here = kernel('linux-2.6.32')

  test('computes the used memory the older way where the kernel does not tell what is available', async () => {
    const { points } = await host(everything('memory', 'system.memory.linux.available'), here)()
    assert.equal(values(points, 'system.memory.usage')['used'], (1922364 - 311792 - 181520 - 880232) * 1024)
    assert.deepEqual(values(points, 'system.memory.linux.available'), {})
  })

  test('reports hugepages by state', async () => {
    const { points } = await host(everything('memory', 'system.memory.linux.hugepages.usage'), here)()
    assert.deepEqual(values(points, 'system.memory.linux.hugepages.usage'), { used: 2, free: 6 })
  })

  test('reports modes that the kernel knows, and leaves out rows of disks that it shortens', async () => {
    const { points, errors } = await host({ cpu: {}, disk: {} }, here)()
    assert.deepEqual(errors.length, 1)
    assert.deepEqual(values(points, 'system.cpu.time')['steal'], 0)
    assert.equal(
      Object.keys(values(points, 'system.disk.io')).some((name) => name.startsWith('sda2')),
      false,
    )
    assert.equal(values(points, 'system.disk.operations')['sda1 write'], 8)
  })

  test('keeps counters beyond 2^53 exact, and says so of those that no metric can hold', async () => {
    const { points, errors } = await host({ disk: {}, network: {} }, here)()
    assert.equal(values(points, 'system.disk.io')['cciss/c0d0 read'], 9007199254740993n * 512n)
    assert.equal(values(points, 'system.network.io')['bond0.100 transmit'], 9007199254740993n)
    assert.equal(values(points, 'system.network.io')['bond0.100 receive'], undefined)
    assert.deepEqual(errors, [
      'disk: system.disk.operations: 18446744073709551000 is no value that a metric can have',
      'network: system.network.io: 18446744073709551615 is no value that a metric can have',
    ])
  })

  test('reads interfaces whose counters stand close to their names, and hosts without IPv6', async () => {
    const { points } = await host({ network: {} }, here)()
    assert.equal(values(points, 'system.network.io')['lo receive'], 12345678)
    assert.equal(values(points, 'system.network.errors')['eth0 receive'], 2)
    assert.equal(values(points, 'system.network.packet.dropped')['eth0 transmit'], 3)
    assert.equal(values(points, 'system.network.connection.count')['tcp listen'], 1)
  })
})

describe('host_metrics on ARM', () => {
  const here = kernel('linux-5.10-arm64')

  test('reports CPUs by their numbers although one is offline', async () => {
    const { points } = await host(
      { cpu: { per_cpu: true, metrics: { 'system.cpu.logical.count': { enabled: true } } } },
      here,
    )()
    const numbers = new Set(points.map(({ attributes }) => attributes['cpu.logical_number']))
    assert.deepEqual(
      [...numbers].filter((number) => number !== undefined),
      ['0', '2', '3'],
    )
    assert.deepEqual(values(points, 'system.cpu.logical.count'), { '': 3 })
  })

  test('says what cannot be read, and reports the rest', async () => {
    const scrapers = { ...everything('cpu', 'system.cpu.physical.count', 'system.cpu.frequency'), memory: {} }
    const { points, errors } = await host(scrapers, here)()
    assert.match(errors[0] as string, /^cpu: ENOENT.*thread_siblings_list/)
    assert.match(errors[1] as string, /^cpu: ENOENT.*cpuinfo/)
    assert.equal(errors.length, 2)
    assert.equal(values(points, 'system.cpu.time')['user'], 200.21)
    assert.equal(values(points, 'system.memory.usage')['used'], (3884376 - 3011128) * 1024)
  })

  test('reports no swap where there is none', async () => {
    const { points, errors } = await host({ paging: {} }, here)()
    assert.deepEqual(errors, [])
    assert.deepEqual(values(points, 'system.paging.usage'), {})
    assert.deepEqual(values(points, 'system.paging.operations'), { 'major in': 0, 'major out': 0 })
  })
})
