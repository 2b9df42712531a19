import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { findMounts, mounts } from '../../src/native/mounts.ts'

describe('what is mounted', () => {
  test('cgroup2, tracefs and bpffs are found on a hybrid host', () => {
    const found = findMounts(
      [
        '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
        '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd',
        '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 master:1 - cgroup2 cgroup2 rw',
        '42 23 0:39 / /sys/fs/bpf rw,relatime - bpf bpf rw',
        '43 23 0:11 / /mnt/elsewhere rw,relatime - tracefs tracefs rw',
        '44 23 0:11 / /sys/kernel/tracing rw,relatime - tracefs tracefs rw',
        '',
      ].join('\n'),
    )
    assert.deepEqual(found, {
      cgroup2: '/sys/fs/cgroup/unified',
      tracefs: '/sys/kernel/tracing',
      bpffs: '/sys/fs/bpf',
    })
  })

  test('the whole cgroup2 hierarchy is preferred to a part of it that is bound elsewhere', () => {
    const found = findMounts(
      [
        '50 1 0:38 /kubepods/a /var/run/part rw - cgroup2 cgroup rw',
        '51 1 0:38 / /host/sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw',
      ].join('\n'),
    )
    assert.deepEqual(found, { cgroup2: '/host/sys/fs/cgroup' })
  })

  test('paths with spaces are read as they are', () => {
    assert.deepEqual(findMounts(String.raw`50 1 0:38 / /mnt/a\040b\134c rw - cgroup2 cgroup rw`), {
      cgroup2: String.raw`/mnt/a b\c`,
    })
  })

  test('nothing is found in nothing', () => {
    assert.deepEqual(findMounts(''), {})
    assert.deepEqual(findMounts('no mount at all\n - \n'), {})
  })

  test('what is found on this machine is there', { skip: process.platform !== 'linux' && 'not Linux' }, () => {
    for (const path of Object.values(mounts())) assert.ok(existsSync(path), path)
  })
})
