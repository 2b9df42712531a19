import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Selection } from '../../../../src/receivers/ebpf/processes/selection.ts'
import type { MatcherOptions } from '../../../../src/receivers/ebpf/processes/selection-options.ts'
import { CHECK_MS, ENDED_KEPT_MS, PROCESSES_MAX, ProcessTable } from '../../../../src/receivers/ebpf/processes/table.ts'
import type { Started } from '../../../../src/receivers/ebpf/tracer.ts'
import { ProcFolder } from './proc-folder.ts'

const ID = '3f4e9b2c1d5a6f7081920a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f'

let proc: ProcFolder
let now: number
let verdicts: (readonly [pid: number, traced: boolean | undefined])[]

beforeEach(() => {
  proc = new ProcFolder()
  now = 1_000_000
  verdicts = []
})
afterEach(() => proc.close())

function table(selection: { include?: MatcherOptions[]; exclude?: MatcherOptions[] } = {}, own: number[] = []) {
  return new ProcessTable({
    selection: new Selection({ include: [], exclude: [], ...selection }),
    own,
    procPath: proc.path,
    verdict: (pid, traced) => verdicts.push([pid, traced]),
    now: () => now,
  })
}

const started = (given: Partial<Started>): Started => ({
  pid: 50,
  parent: 1,
  name: 'short',
  start: 700,
  executable: '/usr/bin/short',
  arguments: ['short', '-x'],
  user: 1000,
  cgroupId: 9n,
  ...given,
})

describe('The process table', () => {
  test('says what /proc has of a process, and the same object for as long as it holds', () => {
    const environment = ['OTEL_SERVICE_NAME=checkout', 'PASSWORD=x']
    const cgroup = `/docker/${ID}`
    proc.write(50, { name: 'node', start: 700, executable: '/usr/bin/node', environment, cgroup, user: 1000 })
    const processes = table()
    const process = processes.of(50)
    assert.deepEqual(process.resource, {
      'service.name': 'checkout',
      'process.pid': 50,
      'process.executable.name': 'node',
      'process.executable.path': '/usr/bin/node',
      'process.owner': undefined,
      'process.runtime.name': 'nodejs',
      'container.id': ID,
    })
    assert.equal(process.traced, true)
    now += CHECK_MS
    assert.equal(processes.of(50, 'worker').resource, process.resource)
    assert.deepEqual(verdicts, [])
  })

  test('names the owner of a process of the host', () => {
    proc.write(50, { name: 'nginx', start: 700, executable: '/usr/sbin/nginx (deleted)', user: 1000 })
    const { resource } = table().of(50)
    assert.equal(resource['process.owner'], 'shop')
    assert.equal(resource['process.executable.path'], '/usr/sbin/nginx')
    assert.equal(resource['service.name'], 'nginx')
  })

  test('of a process that nobody could look at, the pid and the name are known', () => {
    const process = table().of(77, 'curl')
    assert.deepEqual(process.resource, { 'process.pid': 77, 'process.title': 'curl' })
    assert.equal(process.name, 'curl')
    assert.equal(process.executable, undefined)
  })

  test('what the kernel itself did is of no process', () => {
    const processes = table()
    assert.equal(processes.of(0), processes.host)
    assert.deepEqual(processes.host.resource, {})
  })

  test('a pid that is used again is another process', () => {
    proc.write(50, { name: 'sh', start: 700, executable: '/bin/sh' })
    const processes = table()
    const first = processes.of(50)
    proc.write(50, { name: 'sh', start: 900, executable: '/usr/bin/dash' })
    assert.equal(processes.of(50), first)
    now += CHECK_MS
    assert.equal(processes.of(50).executable, '/usr/bin/dash')
    assert.equal(first.executable, '/bin/sh')
  })

  test('a process that becomes another program is seen by its name where exec is off', () => {
    proc.write(50, { name: 'sh', start: 700, executable: '/bin/sh' })
    const processes = table()
    processes.of(50)
    proc.write(50, { name: 'nginx', start: 700, executable: '/usr/sbin/nginx' })
    now += CHECK_MS
    assert.equal(processes.of(50).resource['service.name'], 'nginx')
  })

  test('a process of which nothing that is told has changed keeps its resource, so that what is counted under it goes on', () => {
    proc.write(50, { name: 'node', start: 700, executable: '/usr/bin/node' })
    const processes = table()
    const before = processes.of(50)
    proc.write(50, { name: 'node-MainThread', start: 700, executable: '/usr/bin/node' })
    now += CHECK_MS
    const after = processes.of(50)
    assert.notEqual(after, before)
    assert.equal(after.name, 'node-MainThread')
    assert.equal(after.resource, before.resource)
    assert.equal(
      processes.started(started({ executable: '/usr/bin/node', arguments: ['node'] })).resource,
      before.resource,
    )
  })

  test('a process that becomes another program is seen at once where exec is on', () => {
    proc.write(50, { name: 'sh', start: 700, executable: '/bin/sh' })
    const processes = table()
    processes.of(50)
    proc.write(50, { name: 'sh', start: 700, executable: '/usr/sbin/nginx' })
    processes.started(started({}))
    assert.equal(processes.of(50).executable, '/usr/sbin/nginx')
  })

  test('of a program that ended before anybody could look, what the kernel told is known', () => {
    const processes = table()
    processes.started(started({}))
    processes.exited(50)
    assert.deepEqual(processes.of(50).resource, {
      'service.name': 'short',
      'process.pid': 50,
      'process.executable.name': 'short',
      'process.executable.path': '/usr/bin/short',
      'process.owner': 'shop',
      'container.id': undefined,
    })
  })

  test('the same where it is still listed, with nothing to read', () => {
    proc.write(50, { name: 'short', start: started({}).start })
    assert.equal(table().started(started({})).resource['service.name'], 'short')
  })

  test('its container is known by its cgroup, if another of its processes was seen', () => {
    proc.write(40, { name: 'sh', start: 600, executable: '/bin/sh', cgroup: `/docker/${ID}` })
    const processes = table()
    processes.started(started({ pid: 40, start: 600 }))
    assert.equal(processes.started(started({})).resource['container.id'], ID)
    assert.equal(processes.started(started({ pid: 51, cgroupId: 10n })).resource['container.id'], undefined)
  })

  test('one that has ended is kept a while, also while its parent has not asked for it, and then forgotten', () => {
    proc.write(50, { name: 'sh', start: 700, executable: '/bin/sh' })
    const processes = table()
    const process = processes.of(50)
    processes.exited(50)
    proc.write(50, { name: 'sh', start: 700 })
    now += CHECK_MS
    assert.equal(processes.of(50), process)
    proc.remove(50)
    now += CHECK_MS
    assert.equal(processes.of(50), process)
    now += ENDED_KEPT_MS
    processes.sweep()
    assert.equal(processes.size, 0)
  })

  test('a sweep finds those that ended unseen', () => {
    for (let pid = 100; pid < 120; pid++) proc.write(pid, { name: 'sh', start: pid, executable: '/bin/sh' })
    const processes = table()
    for (let pid = 100; pid < 120; pid++) processes.of(pid)
    for (let pid = 100; pid < 120; pid++) proc.remove(pid)
    for (let sweeps = 0; sweeps < 10; sweeps++) {
      now += CHECK_MS
      processes.sweep()
    }
    now += ENDED_KEPT_MS
    processes.sweep()
    assert.equal(processes.size, 0)
  })

  test('it is bounded, and forgets first what was not looked at for longest', () => {
    const processes = table()
    proc.write(50, { name: 'sh', start: 700, executable: '/bin/sh' })
    const first = processes.of(50)
    for (let pid = 100; pid < 100 + PROCESSES_MAX; pid++) processes.of(pid, 'gone')
    assert.equal(processes.size, PROCESSES_MAX)
    assert.notEqual(processes.of(50), first)
  })
})

describe('Verdicts of the process table', () => {
  const onlyNginx = { include: [{ names: ['nginx'] }] }

  test('are told when a process is first seen, when it becomes another program, and taken back when it ends', () => {
    proc.write(50, { name: 'sh', start: 700, executable: '/bin/sh' })
    const processes = table(onlyNginx)
    assert.equal(processes.of(50).traced, false)
    proc.write(50, { name: 'nginx', start: 700, executable: '/usr/sbin/nginx' })
    assert.equal(processes.started(started({ name: 'nginx' })).traced, true)
    processes.exited(50)
    processes.exited(50)
    assert.deepEqual(verdicts, [
      [50, false],
      [50, true],
      [50, undefined],
    ])
  })

  test('are told anew of each program, since the kernel forgets that of the one before', () => {
    proc.write(50, { name: 'sh', start: 700, executable: '/bin/sh' })
    const processes = table(onlyNginx)
    processes.of(50)
    processes.started(started({}))
    assert.deepEqual(verdicts, [
      [50, false],
      [50, false],
    ])
  })

  test('are repeated where the kernel has forgotten, since there are still events', () => {
    proc.write(50, { name: 'sh', start: 700, executable: '/bin/sh' })
    const processes = table(onlyNginx)
    processes.of(50)
    processes.of(50)
    now += CHECK_MS
    processes.of(50)
    assert.deepEqual(verdicts, [
      [50, false],
      [50, false],
    ])
  })

  test('leave Telegen and its workers out, whatever the selection says, but not what it starts', () => {
    const node = { name: 'node', executable: '/usr/bin/node' }
    const worker = ['node', '/opt/telegen/dist/cli/worker.js']
    proc.write(50, { ...node, start: 700 })
    proc.write(51, { ...node, start: 701, parent: 50, arguments: worker })
    proc.write(52, { ...node, start: 702, parent: 50, arguments: ['node', '/opt/shop.js'] })
    proc.write(53, { ...node, start: 703, parent: 1, arguments: worker })
    for (const selection of [{}, { include: [{ pids: [50, 51, 52, 53] }] }]) {
      const processes = table(selection, [50])
      assert.deepEqual(
        [50, 51, 52, 53].map((pid) => processes.of(pid).traced),
        [false, false, true, true],
      )
    }
  })

  test('follow what a process listens on', () => {
    const server = { name: 'server', start: 700, executable: '/opt/server', sockets: [5, 6] }
    proc.write(50, server)
    proc.write(51, { ...server, sockets: [7] })
    const processes = table({ include: [{ ports: ['8000-8080'] }] })
    assert.equal(processes.started(started({})).traced, false)
    processes.of(51)
    proc.write(50, { ...server, listening: { 6: 8080 } })
    proc.write(51, { ...server, sockets: [7], listening: { 6: 8080 } })
    for (let sweeps = 0; sweeps < 4; sweeps++) {
      now += CHECK_MS
      processes.sweep()
    }
    assert.deepEqual(verdicts, [
      [50, false],
      [51, false],
      [50, true],
    ])
    assert.equal(processes.of(50).traced, true)
  })

  test('ask for variables without keeping the others', () => {
    const environment = ['TIER=front', 'PASSWORD=x']
    proc.write(50, { name: 'node', start: 700, executable: '/usr/bin/node', environment })
    assert.equal(table({ include: [{ environment: { TIER: 'fr*' } }] }).of(50).traced, true)
    assert.equal(table({ exclude: [{ environment: { TIER: 'fr*' } }] }).of(50).traced, false)
  })
})
