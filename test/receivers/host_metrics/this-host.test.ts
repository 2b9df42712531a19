import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as os from 'node:os'
import { describe, test } from 'node:test'
import { host, values } from './host.ts'

/** What another program says of this host, or why it cannot be asked. */
function told(command: string, ...options: string[]): { readonly text: string } | { readonly missing: string } {
  try {
    return { text: execFileSync(command, options, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }) }
  } catch (error) {
    return { missing: `${command} cannot be asked here: ${(error as Error).message.split('\n')[0]}` }
  }
}

const isElsewhere = process.platform !== 'linux' && 'there is no /proc here'

/** Two readings a moment apart differ by less than this share, or by less than `floor`. */
function assertNear(seen: number | bigint | undefined, expected: number, share: number, floor: number): void {
  const difference = Math.abs(Number(seen) - expected)
  assert.ok(difference <= Math.max(floor, expected * share), `${seen} is not near ${expected}`)
}

describe('host_metrics on this host agrees with', { skip: isElsewhere }, () => {
  test('getconf about logical CPUs', async (context) => {
    const judge = told('getconf', '_NPROCESSORS_ONLN')
    if ('missing' in judge) return context.skip(judge.missing)
    const { points } = await host({ cpu: { metrics: { 'system.cpu.logical.count': { enabled: true } } } })()
    assert.equal(values(points, 'system.cpu.logical.count')[''], Number(judge.text))
  })

  test('Node about the times of each CPU', async () => {
    const before = os.cpus()
    const { points } = await host({ cpu: { per_cpu: true } })()
    const times = values(points, 'system.cpu.time')
    for (const [number, { times: judged }] of before.entries()) {
      assertNear(times[`${number} user`], judged.user / 1000, 0.01, 1)
      assertNear(times[`${number} system`], judged.sys / 1000, 0.01, 1)
      assertNear(times[`${number} idle`], judged.idle / 1000, 0.01, 1)
    }
  })

  test('free about memory and swap', async (context) => {
    const judge = told('free', '-b', '-w')
    if ('missing' in judge) return context.skip(judge.missing)
    const [, limit, used, free, , buffers] = (/^Mem:.*$/m.exec(judge.text) ?? [''])[0].split(/\s+/).map(Number)
    const { points } = await host({
      memory: { metrics: { 'system.memory.limit': { enabled: true } } },
      paging: {},
    })()
    const usage = values(points, 'system.memory.usage')
    assert.equal(values(points, 'system.memory.limit')[''], limit)
    const twentieth = (limit as number) / 20
    assertNear(usage['used'], used as number, 0, twentieth)
    assertNear(usage['free'], free as number, 0, twentieth)
    assertNear(usage['buffers'], buffers as number, 0, twentieth)
    const swap = (/^Swap:.*$/m.exec(judge.text) ?? [''])[0].split(/\s+/).map(Number)
    const paging = Object.values(values(points, 'system.paging.usage')).reduce<number>(
      (sum, one) => sum + Number(one),
      0,
    )
    assert.equal(paging, swap[1])
  })

  test('df about every filesystem on a disk', async (context) => {
    const { points } = await host({ filesystem: { metrics: { 'system.filesystem.limit': { enabled: true } } } })()
    const roots = points.filter(({ metric }) => metric === 'system.filesystem.limit')
    if (roots.length === 0) return context.skip('there is no filesystem on a disk here')
    for (const { attributes, value } of roots) {
      const mountpoint = attributes['system.filesystem.mountpoint'] as string
      const judge = told('df', '-B1', '--output=size,used,avail', mountpoint)
      if ('missing' in judge) return context.skip(judge.missing)
      const [size, used, available] = (judge.text.split('\n')[1] as string).trim().split(/\s+/)
      const here = points.filter((point) => point.attributes['system.filesystem.mountpoint'] === mountpoint)
      const state = (name: string) =>
        here.find(
          (point) => point.metric === 'system.filesystem.usage' && point.attributes['system.filesystem.state'] === name,
        )?.value
      assert.equal(value, Number(size))
      assertNear(state('used'), Number(used), 0.05, 256 * 1024 * 1024)
      assertNear(state('free'), Number(available), 0.05, 256 * 1024 * 1024)
    }
  })

  test('Node about load and uptime', async () => {
    const { points } = await host({ load: {}, system: {} })()
    const [one, , fifteen] = os.loadavg()
    assertNear(values(points, 'system.cpu.load_average.1m')[''], one as number, 0.2, 0.5)
    assertNear(values(points, 'system.cpu.load_average.15m')[''], fifteen as number, 0.1, 0.1)
    assertNear(values(points, 'system.uptime')[''], os.uptime(), 0, 5)
  })

  test('the boot time of uptime about where counters start', async (context) => {
    const judge = told('uptime', '-s')
    if ('missing' in judge) return context.skip(judge.missing)
    const { points } = await host({ cpu: {} })()
    const started = Number((points[0]?.start as bigint) / 1_000_000_000n)
    assertNear(started, Date.parse(judge.text.trim().replace(' ', 'T')) / 1000, 0, 2)
  })

  test('ss about TCP sockets that listen', async (context) => {
    const judge = told('ss', '-H', '-t', '-l', '-n')
    if ('missing' in judge) return context.skip(judge.missing)
    const { points } = await host({ network: {} })()
    const listening = judge.text.split('\n').filter((line) => line.startsWith('LISTEN')).length
    assertNear(values(points, 'system.network.connection.count')['tcp listen'], listening, 0, 3)
  })

  test('/sys about the traffic of every interface', async (context) => {
    const { points } = await host({ network: {} })()
    const interfaces = points.filter(({ metric }) => metric === 'system.network.io')
    if (interfaces.length === 0) return context.skip('there is no network here')
    for (const { attributes, value } of interfaces) {
      const column = attributes['network.io.direction'] === 'receive' ? 'rx_bytes' : 'tx_bytes'
      const judge = told('cat', `/sys/class/net/${attributes['network.interface.name'] as string}/statistics/${column}`)
      if ('missing' in judge) return context.skip(judge.missing)
      assertNear(value, Number(judge.text), 0.05, 1024 * 1024)
    }
  })

  test('ps about the number of processes', async (context) => {
    const judge = told('ps', '-e', '-o', 'stat=')
    if ('missing' in judge) return context.skip(judge.missing)
    const { points } = await host({ processes: {} })()
    const counts = values(points, 'system.process.count')
    const all = Object.values(counts).reduce<number>((sum, count) => sum + Number(count), 0)
    const lines = judge.text.split('\n').filter((line) => line !== '')
    assertNear(all, lines.length, 0.1, 10)
    assertNear(counts['idle'], lines.filter((line) => line.startsWith('I')).length, 0.2, 10)
  })

  test('lsblk about the sizes of disks', async (context) => {
    const judge = told('lsblk', '-b', '-n', '-l', '-o', 'NAME,SIZE')
    if ('missing' in judge) return context.skip(judge.missing)
    const { points } = await host({ disk: { metrics: { 'system.disk.limit': { enabled: true } } } })()
    const limits = values(points, 'system.disk.limit')
    const rows = judge.text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
    const shared = rows.filter(([name]) => limits[name as string] !== undefined)
    if (shared.length === 0) return context.skip('lsblk sees no disk that the kernel counts')
    for (const [name, size] of shared) assert.equal(limits[name as string], Number(size), name)
  })
})
