import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, test } from 'node:test'
import { coresLimit } from '../../src/config/machine/cores-limit.ts'

const cores = (files: Readonly<Record<string, string>>) => ({ available: 8, read: (path: string) => files[path] })
const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n'
const V1 = '35 31 0:32 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n'

describe('the cores that there are', () => {
  test('are whole ones of the least quota of the group and those above it, in version 2', () => {
    const files = {
      '/proc/self/mountinfo': V2,
      '/proc/self/cgroup': '0::/pods/telegen\n',
      '/sys/fs/cgroup/pods/telegen/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/pods/cpu.max': '250000 100000\n',
    }
    assert.equal(coresLimit(cores(files)), 2)
  })

  test('are those of the quota in version 1', () => {
    const files = {
      '/proc/self/mountinfo': V1,
      '/proc/self/cgroup': '4:cpu,cpuacct:/a\n',
      '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '300000\n',
      '/sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000\n',
    }
    assert.equal(coresLimit(cores(files)), 3)
    assert.equal(coresLimit(cores({ ...files, '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '-1\n' })), 8)
  })

  test('are one where the quota is less, and all where there is none', () => {
    const files = {
      '/proc/self/mountinfo': V2,
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/cpu.max': '50000 100000\n',
    }
    assert.equal(coresLimit(cores(files)), 1)
    assert.equal(coresLimit(cores({})), 8)
    assert.ok(coresLimit() >= 1 && coresLimit() <= availableParallelism())
  })
})
