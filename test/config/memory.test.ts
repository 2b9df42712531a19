import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { describe, test } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { memoryLimit } from '../../src/config/machine/memory-limit.ts'
import { testCatalog } from './check-text.ts'
import { sender } from './test-definitions.ts'

const GIB = 2 ** 30
const machine = (files: Readonly<Record<string, string>>) => ({ total: 8 * GIB, read: (path: string) => files[path] })
const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n'
const V1 = '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n'
const CPU = '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n'

describe('the memory that there is', () => {
  test('is the least limit of the group and those above it, in version 2', () => {
    const files = {
      '/proc/self/mountinfo': V2,
      '/proc/self/cgroup': '0::/system.slice/telegen.service\n',
      '/sys/fs/cgroup/system.slice/telegen.service/memory.max': 'max\n',
      '/sys/fs/cgroup/system.slice/memory.max': `${GIB}\n`,
    }
    assert.deepEqual(memoryLimit(machine(files)), { bytes: GIB, of: 'cgroup' })
  })

  test('is that of version 1 where memory is still there, and a container sees only its own part', () => {
    const files = {
      '/proc/self/mountinfo': CPU + V1.replace('0:32 /', '0:32 /docker/12ab'),
      '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/docker/12ab\n1:cpu:/docker/12ab\n0::/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${GIB / 2}\n`,
    }
    assert.deepEqual(memoryLimit(machine(files)), { bytes: GIB / 2, of: 'cgroup' })
  })

  test('is that of the machine where nobody has set a limit, or there are no groups', () => {
    const unlimited = {
      '/proc/self/mountinfo': V1,
      '/proc/self/cgroup': '4:memory:/a\n',
      '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': '9223372036854771712\n',
    }
    for (const files of [unlimited, {}])
      assert.deepEqual(memoryLimit(machine(files)), { bytes: 8 * GIB, of: 'machine' })
  })

  test('is read of this very machine', (t) => {
    assert.ok(memoryLimit().bytes <= totalmem())
    const group = `/sys/fs/cgroup/memory/telegen-test-${process.pid}`
    try {
      mkdirSync(group)
      writeFileSync(`${group}/memory.limit_in_bytes`, String(3 * GIB))
    } catch (error) {
      t.skip(`no control group can be made here: ${(error as Error).message}`)
      return
    }
    const before = memoryLimit()
    try {
      writeFileSync(`${group}/cgroup.procs`, String(process.pid))
      assert.deepEqual(memoryLimit(), { bytes: Math.min(3 * GIB, before.bytes), of: 'cgroup' })
    } finally {
      writeFileSync('/sys/fs/cgroup/memory/cgroup.procs', String(process.pid))
      rmdirSync(group)
    }
  })
})

describe('the memory that a configuration may take', () => {
  const text = (limits: string, queue = '') => `
receivers: {traces_only: }
exporters: {sender: {sending_queue: {${queue}}}}
service:
  limits: {${limits}}
  pipelines: {traces: {receivers: [traces_only], exporters: [sender]}}
`
  const told = async (yaml: string, bytes: number) => {
    const loaded = load({ configs: [`yaml:${yaml}`], environment: {} })
    const { faults, warnings } = await check(loaded, testCatalog(), { memory: { bytes, of: 'cgroup' } })
    assert.deepEqual(faults, [])
    return warnings.map(({ severity, code, path, message, place: { line, column } }) => ({
      told: `${severity} ${code} ${line}:${column} ${path}`,
      message: message.replaceAll(/itself \d+ MiB/g, 'itself N MiB').replace(/take \d+ MiB of/, 'take N MiB of'),
    }))
  }

  test('is told in full, as a warning where there is less', async () => {
    const message =
      'may take N MiB of memory at worst, sending queues included; the control group allows 256 MiB ' +
      '(traces 256 MiB and 128 MiB for work under way, the process itself N MiB)'
    assert.deepEqual(await told(text('traces: 256MiB'), 256 * 2 ** 20), [
      { told: 'warning memory 5:11 service::limits', message },
    ])
    const [fits] = await told(text('traces: 256MiB'), 2 * GIB)
    assert.equal(fits?.told, 'info memory 5:11 service::limits')
  })

  test('counts what gRPC servers inflate before any limit knows of it, for each server that is used', async () => {
    const yaml = (protocols: string) => `
receivers: {otlp: {protocols: {${protocols}}}, otlp/unused: {protocols: {grpc: {endpoint: "localhost:1"}}}}
exporters: {sender: }
service:
  limits: {traces: 256MiB}
  pipelines: {traces: {receivers: [otlp], exporters: [sender]}}
`
    const catalog = () => {
      const both = builtInCatalog()
      both.addPlugin(sender, 'test')
      return both
    }
    const messageOf = async (protocols: string): Promise<string> => {
      const { warnings } = await check(load({ configs: [`yaml:${yaml(protocols)}`], environment: {} }), catalog(), {
        memory: { bytes: 8 * GIB, of: 'cgroup' },
      })
      return warnings.find(({ code }) => code === 'memory')?.message ?? ''
    }
    const [grpc, http] = [await messageOf('grpc: '), await messageOf('http: ')]
    assert.match(
      grpc,
      /under way, receivers::otlp 256 MiB for gRPC messages that are arriving or being inflated, the process/,
    )
    assert.doesNotMatch(grpc + http, /unused/)
    assert.doesNotMatch(http, /gRPC/)
    const sum = (message: string) => Number(/take (\d+) MiB/.exec(message)?.[1])
    assert.ok(sum(grpc) - sum(http) > 200, `${grpc}\n${http}`)
  })

  test('counts only signals that have pipelines', async () => {
    const [only] = await told(text(''), 8 * GIB)
    assert.doesNotMatch(only?.message ?? '', /logs|metrics|profiles/)
  })

  test('is never filled by a queue that is larger than the limit of its signal', async () => {
    const queue = 'sizer: bytes, queue_size: 1GiB'
    assert.deepEqual((await told(text('traces: 64MiB', queue), 8 * GIB))[0], {
      told: 'warning queue_beyond_limit 3:64 exporters::sender::sending_queue::queue_size',
      message: 'never holds 1024 MiB: all traces together may take 64 MiB',
    })
    assert.equal((await told(text('traces: 2GiB', queue), 8 * GIB)).length, 1)
  })
})
