import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { climb } from '../../src/native/ladder.ts'
import type { Ground } from '../../src/native/ladder.ts'
import { Unavailable } from '../../src/native.ts'
import type { Rung, TracerRequest } from '../../src/native.ts'
import { fakeAddon } from './fake-addon.ts'
import type { FakeKernel } from './fake-addon.ts'

const FENTRY: Rung = {
  name: 'fentry',
  needs: ['fentry'],
  object: 'socket/fentry',
  parameters: { arity: 'tcp_recvmsg' },
}
const KPROBE: Rung = { name: 'kprobe', needs: ['kprobe'], object: 'socket/kprobe' }
const TP_BTF: Rung = { name: 'tp_btf', needs: ['tp_btf'], object: 'socket/tp_btf' }
const OBJECTS = {
  'socket/fentry': ['enter', 'leave'],
  'socket/kprobe': ['tcp_sendmsg'],
  'socket/tp_btf': ['sys_enter', 'sys_exit', 'sock_state'],
}

describe('a ladder', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'telegen-objects-'))
    for (const name of Object.keys(OBJECTS)) {
      const file = join(folder, 'bpf', `${name}.bpf.o`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, name)
    }
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** Climbs on a kernel; `verifier` is what was logged of refusals. */
  function on(kernel: Partial<FakeKernel>, cgroup2?: string) {
    const addon = fakeAddon({ objects: OBJECTS, functions: { tcp_recvmsg: 5 }, ...kernel })
    const verifier: unknown[] = []
    const log = { info: () => {}, debug: (fields: object) => void verifier.push(fields) }
    const sharedMaps = { events: 7 }
    const ground: Ground = { addon, folder, sharedMaps, cgroup2, log, prepare: async () => {} }
    const go = (rungs: readonly Rung[], more: Partial<TracerRequest> = {}) =>
      climb({ tracer: 'http', rungs, constants: {}, mapSizes: {}, ...more }, ground)
    return { addon, verifier, go }
  }

  test('takes the best rung, with all its programs and the maps and constants that it was given', async () => {
    const { addon, go } = on({})
    const stand = await go([FENTRY, KPROBE], { constants: { head_bytes: Uint8Array.of(1) }, mapSizes: { state: 9 } })
    assert.equal(stand.rung, 'fentry')
    assert.deepEqual(stand.passedOver, [])
    assert.deepEqual([...addon.attached.keys()], ['enter', 'leave'])
    const [{ constants, mapSizes, sharedMaps } = assert.fail()] = addon.loads
    assert.deepEqual(constants, { head_bytes: Uint8Array.of(1), arity: Uint8Array.of(5) })
    assert.deepEqual([mapSizes, sharedMaps], [{ state: 9 }, { events: 7 }])
  })

  test('passes over what the kernel refuses by probe, in words, and loads nothing of it', async () => {
    const { addon, go } = on({ refusedTypes: ['fentry'] })
    const { rung, passedOver } = await go([FENTRY, KPROBE])
    assert.equal(rung, 'kprobe')
    assert.deepEqual(passedOver, [
      { rung: 'fentry', reason: 'fentry programs do not load here: EPERM (operation not permitted)' },
    ])
    assert.equal(addon.loads.length, 1)
  })

  test('takes down what was attached of a rung of which one program does not attach', async () => {
    const { addon, go } = on({ unattachable: ['leave'] })
    const { rung, passedOver } = await go([FENTRY, TP_BTF])
    assert.equal(rung, 'tp_btf')
    assert.deepEqual(passedOver, [
      { rung: 'fentry', reason: 'the program leave could not be attached: ENOENT (no such file or directory)' },
    ])
    assert.deepEqual([...addon.open], ['socket/tp_btf #2'])
    assert.deepEqual([...addon.attached.keys()], ['sys_enter', 'sys_exit', 'sock_state'])
  })

  test('tells what the verifier said for those who look closer', async () => {
    const { verifier, go } = on({ unloadable: ['enter'] })
    const { passedOver } = await go([FENTRY, KPROBE])
    assert.equal(passedOver[0]?.reason, 'the program enter was refused by the kernel: EACCES (permission denied)')
    assert.deepEqual(verifier, [{ tracer: 'http', rung: 'fentry', verifier: 'R2 min value is negative' }])
  })

  test('stays on a rung whose optional programs fail at load or attach, and says what is lost', async () => {
    const { addon, go } = on({ unloadable: ['sock_state'], unattachable: ['sys_exit'] })
    const optional = { sock_state: 'closed connections are found late', sys_exit: 'no durations' }
    const { rung, passedOver } = await go([{ ...TP_BTF, optional }])
    assert.equal(rung, 'tp_btf')
    assert.deepEqual(passedOver, [
      {
        rung: 'tp_btf',
        reason:
          'closed connections are found late: the program sock_state was refused by the kernel: EACCES (permission denied)',
      },
      {
        rung: 'tp_btf',
        reason: 'no durations: the program sys_exit could not be attached: ENOENT (no such file or directory)',
      },
    ])
    assert.deepEqual([...addon.attached.keys()], ['sys_enter'])
  })

  test('says of every rung why, where none is possible, and leaves nothing', async () => {
    const { addon, go } = on({ functions: {}, refusedTypes: ['kprobe'], unattachable: ['sock_state'] })
    const failed = await go([FENTRY, KPROBE, TP_BTF]).catch((thrown: unknown) => thrown)
    assert.ok(failed instanceof Unavailable)
    assert.deepEqual(
      failed.passedOver.map(({ rung, reason }) => `${rung}: ${reason}`),
      [
        'fentry: this kernel has no function tcp_recvmsg',
        'kprobe: kprobe programs do not load here: EPERM (operation not permitted)',
        'tp_btf: the program sock_state could not be attached: ENOENT (no such file or directory)',
      ],
    )
    assert.match(failed.message, /^the tracer http cannot be used here: fentry: /)
    assert.equal(addon.open.size, 0)
  })

  test('attaches to the root of the cgroup2 hierarchy wherever it is, and passes the rung over where it is nowhere', async () => {
    const attach = { tcp_sendmsg: { kind: 'root cgroup' } } as const
    const mounted = on({}, '/sys/fs/cgroup/unified')
    await mounted.go([{ ...KPROBE, attach }])
    assert.deepEqual(mounted.addon.attached.get('tcp_sendmsg'), { kind: 'cgroup', path: '/sys/fs/cgroup/unified' })
    const { passedOver } = await on({}).go([{ ...KPROBE, attach }, TP_BTF])
    assert.match(passedOver[0]?.reason ?? '', /needs the cgroup2 hierarchy, which is mounted nowhere here/)
  })

  test('passes over a rung whose object was not built, and reads none outside its folder', async () => {
    const { go } = on({})
    const { passedOver } = await go([
      { ...KPROBE, object: 'socket/other' },
      { ...KPROBE, object: '../../etc/passwd' },
      TP_BTF,
    ])
    assert.match(passedOver[0]?.reason ?? '', /bpf\/socket\/other\.bpf\.o is missing/)
    assert.equal(passedOver[1]?.reason, '"../../etc/passwd" is no name of an object')
  })
})
