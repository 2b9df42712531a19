import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { whyNothingLoads } from '../../src/native/in-process.ts'
import { inProcessLoader, loadAddon } from '../../src/native.ts'
import type { Addon, Rung } from '../../src/native.ts'
import { SOCKET_RUNGS } from '../../src/receivers/ebpf/tracers/http/rungs.ts'

const PATIENCE = 10_000
const NATIVE = new URL('../../src/native.ts', import.meta.url).href
const notRoot = process.geteuid?.() !== 0 && 'not root'
const native = loadAddon()
const obstacle = native.kind === 'loaded' ? whyNothingLoads(native.addon) : native.reason
const TP_BTF = SOCKET_RUNGS.find(({ name }) => name === 'tp_btf') as Rung

/** With the addon, in the kernel of this machine. Others may load programs at the same time, so only our own are looked at. */
describe('the loader of one process in a real kernel', { skip: obstacle ?? false }, () => {
  const { addon, folder } = native as { addon: Addon; folder: string }
  const log = { info: () => {}, debug: () => {} }
  const loaderWith = (statistics = false) => inProcessLoader({ addon, folder, log, statistics })
  const isThere = (id: number) => addon.programs().some((program) => program.id === id)

  test('loads a tracer, whose programs are gone when it is closed', async () => {
    const loader = loaderWith()
    const ring = await loader.ring(65_536)
    const tracer = await loader.load({ tracer: 'http', rungs: [TP_BTF], constants: {}, mapSizes: { connections: 64 } })
    assert.equal(tracer.rung, 'tp_btf')
    const programs = await tracer.programs()
    assert.ok(programs.length > 0)
    for (const { id } of programs) assert.ok(isThere(id), String(id))
    const reader = new addon.Ring(ring.descriptor)
    assert.equal(reader.size, 65_536)
    reader.close()
    await loader.close()
    // The kernel lets go of them a moment later.
    for (const end = performance.now() + PATIENCE; programs.some(({ id }) => isThere(id)); await setTimeout(10))
      assert.ok(performance.now() < end)
  })

  test('counts what its programs did and cost', async () => {
    const loader = loaderWith(true)
    const tracer = await loader.load({ tracer: 'http', rungs: [TP_BTF], constants: {}, mapSizes: {} })
    // Any call of the system is seen by the programs.
    for (const end = performance.now() + PATIENCE; (await runs(tracer)) === 0; existsSync('/'))
      assert.ok(performance.now() < end)
    const counters = await tracer.counters()
    assert.equal(counters.length, 16)
    assert.ok(counters.every((count) => Number.isSafeInteger(count) && count >= 0))
    await loader.close()
  })

  test('writes verdicts, and reads and removes them', async () => {
    const loader = loaderWith()
    const tracer = await loader.load({ tracer: 'http', rungs: [TP_BTF], constants: {}, mapSizes: {} })
    const key = Uint32Array.of(0x7f_ff_ff_01)
    await tracer.update('verdicts', new Uint8Array(key.buffer), Uint8Array.of(1))
    const before = await tracer.read('verdicts', 16, false)
    assert.deepEqual([before.count, before.keys.readUInt32LE(), before.values[0]], [1, key[0], 1])
    assert.equal((await tracer.read('verdicts', 16, true)).count, 1)
    assert.equal((await tracer.read('verdicts', 16, false)).count, 0)
    await tracer.delete('verdicts', new Uint8Array(key.buffer))
    await loader.close()
  })

  test('passes over what this kernel refuses with its reason', async () => {
    const loader = loaderWith()
    const broken: Rung = {
      ...TP_BTF,
      name: 'broken',
      attach: { [await firstProgram()]: { kind: 'cgroup', path: '/nowhere' } },
    }
    const tracer = await loader.load({ tracer: 'http', rungs: [broken, TP_BTF], constants: {}, mapSizes: {} })
    assert.equal(tracer.rung, 'tp_btf')
    assert.match(tracer.passedOver[0]?.reason ?? '', /^the program \w+ could not be attached: E[A-Z]+ \(/)
    await loader.close()
  })

  test('mounts tracefs where it is mounted nowhere and a rung needs it, and else does not', { skip: notRoot }, () => {
    const loading = (type: string) =>
      `const { inProcessLoader, loadAddon } = await import('${NATIVE}')
       const log = { info: (fields, message) => console.log(message), debug: () => {} }
       const loader = inProcessLoader({ ...loadAddon(), log })
       const rungs = [{ name: 'x', needs: ['${type}'], object: 'no/such_object' }]
       await loader.load({ tracer: 'x', rungs, constants: {}, mapSizes: {} }).catch(() => {})
       await loader.close()`
    const mounted = "grep -c ' - tracefs ' /proc/self/mountinfo"
    const script = ['tp_btf', 'tracepoint', 'tracepoint'].map((type) => `node -e "${loading(type)}"; ${mounted}`)
    // In a mount namespace of its own: the machine's mounts stay as they are.
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--propagation', 'private', 'sh', '-c', ['umount -a -t tracefs', ...script].join('; ')],
      { encoding: 'utf8', env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` } },
    )
    assert.equal(stdout, '0\ntracefs was mounted nowhere, and tracepoints need it: mounted\n1\n1\n', stderr)
  })

  async function firstProgram(): Promise<string> {
    const object = await addon.load({ name: 'http', elf: readFileSync(join(folder, 'bpf/socket/tp_btf.bpf.o')) })
    object.close()
    return object.programNames[0] as string
  }
})

const runs = async (tracer: { programs(): Promise<readonly { runs: number }[]> }): Promise<number> =>
  (await tracer.programs()).reduce((sum, program) => sum + program.runs, 0)
