import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import type { Addon } from '../../../src/native/addon.ts'
import type { Admits } from '../../../src/native/attach-probe.ts'
import { inProcessLoader } from '../../../src/native/in-process.ts'
import { loadAddon } from '../../../src/native/load-addon.ts'
import type { KernelLoader, LoadedTracer, ProbePlace } from '../../../src/native/loader.ts'
import { probe } from '../../../src/native/probes.ts'
import { ground, PROBES, Target } from './ground.ts'

const native = loadAddon()
const NS_LAST_PID = '/proc/sys/kernel/ns_last_pid'
const REUSES_MAX = 200

describe('a uprobe', { skip: (await reasonToSkip()) ?? false }, () => {
  if (native.kind !== 'loaded') return
  const { addon } = native
  const { folder, prebuilt, target } = ground(native.folder)
  const loaders: KernelLoader[] = []
  const targets: Target[] = []
  afterEach(async () => {
    for (const loader of loaders.splice(0)) await loader.close()
    for (const each of targets.splice(0)) await each.end()
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  async function load(options: { readonly admits?: Admits; readonly addon?: Addon } = {}): Promise<LoadedTracer> {
    const log = { info() {}, debug() {} }
    const loader = inProcessLoader({ addon, folder: prebuilt, log, ...options })
    loaders.push(loader)
    return loader.load(PROBES)
  }
  function start(command = target, ...args: readonly string[]): Target {
    const started = new Target(command, ...args)
    targets.push(started)
    return started
  }
  const first = (pid: number, with_: Partial<ProbePlace> = {}): ProbePlace => ({
    kind: 'uprobe',
    pid,
    path: target,
    symbols: ['first'],
    returns: false,
    ...with_,
  })
  const offsetOf = (name: string): number => addon.elf.symbolOffsets(target, [name])[0] as number

  test('counts the calls of one process, until it is detached', async () => {
    const tracer = await load()
    const [probed, other] = [start(), start()]
    const handle = await tracer.attach('on_function', first(probed.pid))
    await probed.call(3)
    await other.call(5)
    assert.deepEqual(await runs(tracer), [3, 0])
    await tracer.detach(handle)
    await assert.rejects(tracer.detach(handle), { code: 'ENOENT' })
    await untilStill(tracer, probed)
  })

  test('counts the returns', async () => {
    const tracer = await load()
    const probed = start()
    await tracer.attach('on_function', first(probed.pid, { returns: true }))
    await probed.call(2)
    assert.deepEqual(await runs(tracer), [2, 0])
  })

  test('of several functions hangs on one link, by names and by offsets', async () => {
    const tracer = await load()
    const probed = start()
    const several = { kind: 'uprobe_multi', symbols: ['first'], offsets: [offsetOf('second')] } as const
    await tracer.attach('on_functions', first(probed.pid, several))
    await probed.call(4)
    assert.deepEqual(await runs(tracer), [0, 8])
  })

  test('waits to be attached, and none but those that wait can be', async () => {
    const tracer = await load()
    const { pid } = start()
    assert.equal((await tracer.programs()).length, 4)
    await assert.rejects(tracer.attach('on_exec', first(pid)), /not one that may be attached later/)
    await assert.rejects(tracer.attach('nothing', first(pid)), /not one that may be attached later/)
  })

  test('is not of a program of another kind, whatever the rung says', async () => {
    const tracer = await load()
    // To the kernel both are of one type.
    await assert.rejects(tracer.attach('on_kernel', first(start().pid)), {
      code: 'EINVAL',
      message: /no uprobe program/,
    })
  })

  const cannot: readonly (readonly [what: string, place: () => Partial<ProbePlace>, reason: RegExp])[] = [
    ['a function that is not there', () => ({ symbols: ['third'] }), /has no function third/],
    ['the midst of an instruction', () => ({ symbols: [], offsets: [offsetOf('first') + 1] }), /amid an instruction/],
    ['data', () => ({ symbols: [], offsets: [0] }), /no code is loaded/],
    ['what is past the end', () => ({ symbols: [], offsets: [2 ** 30] }), /no code is loaded/],
    ['two places at once', () => ({ symbols: ['first', 'second'] }), /one function/],
    ['a file that is not there', () => ({ path: '/nowhere' }), /No such file/],
    ['a folder', () => ({ path: folder }), /not a regular file/],
    ['a device', () => ({ path: '/dev/null' }), /not a regular file/],
    ['a pipe', () => ({ path: join(folder, 'pipe') }), /not a regular file/],
    ['text', () => ({ path: join(folder, 'text') }), /not an ELF file/],
    ['a file without end', () => ({ path: join(folder, 'large') }), /larger than 1 GiB/],
    ['a link of /proc, which knows no root', () => ({ path: '/proc/self/exe' }), /ELOOP/],
    ['a process that there is not', () => ({ pid: 4_194_304 }), /has ended/],
    ['a thread of the kernel', () => ({ pid: 2 }), /has ended, or is one of the kernel's/],
    ['this process', () => ({ pid: process.pid, path: process.execPath }), /not one that may be probed/],
    [
      'a thread',
      () => ({ pid: Number(readdirSync('/proc/self/task').find((thread) => Number(thread) !== process.pid)) }),
      /is a thread/,
    ],
  ]
  execFileSync('mkfifo', [join(folder, 'pipe')])
  writeFileSync(join(folder, 'text'), '#!/bin/sh\n'.padEnd(1000, 'x'))
  writeFileSync(join(folder, 'large'), '')
  truncateSync(join(folder, 'large'), 2 ** 30 + 1)
  for (const [what, place, reason] of cannot)
    test(`does not go to ${what}`, async () => {
      const tracer = await load()
      await assert.rejects(tracer.attach('on_function', first(start().pid, place())), {
        name: 'Unavailable',
        message: reason,
      })
    })

  test('goes to processes that the selection admits alone', async () => {
    const asked: string[] = []
    const tracer = await load({ admits: ({ executable, name }) => asked.push(`${name} ${executable}`) > 1 })
    const { pid } = start()
    await assert.rejects(tracer.attach('on_function', first(pid)), /not one that may be probed/)
    await tracer.attach('on_function', first(pid))
    assert.deepEqual(asked, [`target ${target}`, `target ${target}`])
  })

  describe('of a process with another root', () => {
    const root = join(folder, 'root')
    mkdirSync(join(root, 'bin'), { recursive: true })
    copyFileSync(target, join(root, 'bin/target'))
    copyFileSync(target, join(folder, 'outside'))
    symlinkSync('/bin/target', join(root, 'absolute'))
    symlinkSync('../../../../../../bin/target', join(root, 'climbing'))
    symlinkSync(join(folder, 'outside'), join(root, 'leaving'))
    symlinkSync('../outside', join(root, 'above'))

    for (const path of ['/bin/target', '/absolute', '/climbing', '/../../bin/../bin/target'])
      test(`finds ${path} within that`, async () => {
        const tracer = await load()
        const probed = start('chroot', root, '/bin/target')
        await probed.call(1)
        await tracer.attach('on_function', first(probed.pid, { path }))
        await probed.call(2)
        assert.deepEqual(await runs(tracer), [2, 0])
      })

    for (const path of ['/leaving', '/above', '/../outside', target])
      test(`does not find ${path.replace(target, 'a path of the host')} out of that`, async () => {
        const tracer = await load()
        const probed = start('chroot', root, '/bin/target')
        await probed.call(1)
        await assert.rejects(tracer.attach('on_function', first(probed.pid, { path })), /No such file/)
      })
  })

  test('finds what is bound over a file in the namespace of the process, and not what lies there for others', async () => {
    const tracer = await load()
    const seen = join(folder, 'seen')
    // For everybody else there is only text.
    writeFileSync(seen, 'text'.repeat(100))
    const bind = `mount --bind ${target} ${seen} && exec ${seen}`
    const probed = start('unshare', '--mount', '--propagation', 'private', 'sh', '-c', bind)
    await probed.call(1)
    await tracer.attach('on_function', first(probed.pid, { path: seen }))
    await probed.call(2)
    assert.deepEqual(await runs(tracer), [2, 0])
  })

  test('does not stay where the process ends while it is attached', async () => {
    const probed = start()
    const tracer = await load({ addon: meanwhile(addon, () => probed.end()) })
    await assert.rejects(tracer.attach('on_function', first(probed.pid)), { name: 'Unavailable', message: /has ended/ })
  })

  test('does not stay where another process has the number by then', async (context) => {
    const probed = start()
    const { pid } = probed
    let next: Target | undefined
    const tracer = await load({
      addon: meanwhile(addon, async () => {
        await probed.end()
        for (let attempt = 0; attempt < REUSES_MAX && next?.pid !== pid; attempt++) {
          await next?.end()
          writeFileSync(NS_LAST_PID, String(pid - 1))
          next = start()
        }
      }),
    })
    const attached = tracer.attach('on_function', first(pid))
    await assert.rejects(attached, { name: 'Unavailable', message: /has ended/ })
    if (next?.pid !== pid) return context.skip('the number was not given again')
    await untilStill(tracer, next)
  })

  test('does not stay where the process becomes another program', async () => {
    const probed = start('sh', '-c', `read line; exec ${target}`)
    const tracer = await load({
      addon: meanwhile(addon, async () => {
        probed.send('\n')
        await probed.call(1)
      }),
    })
    await assert.rejects(tracer.attach('on_function', first(probed.pid)), /another program/)
  })
})

/** Something happens after the process was looked at, and before the kernel is told. */
function meanwhile(addon: Addon, happens: () => Promise<unknown>): Addon {
  const { processFiles } = addon
  return {
    ...addon,
    processFiles: {
      ...processFiles,
      async openInRoot(process, path) {
        const file = await processFiles.openInRoot(process, path)
        await happens()
        return file
      },
    },
  }
}

async function runs(tracer: LoadedTracer): Promise<number[]> {
  const { values } = await tracer.read('runs', 2, false)
  return [0, 1].map((at) => Number(values.readBigUInt64LE(at * 8)))
}

/** Detaching what hangs on perf takes the kernel a while. */
async function untilStill(tracer: LoadedTracer, probed: Target): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end;) {
    const before = await runs(tracer)
    await probed.call(2)
    if ((await runs(tracer)).join() === before.join()) return
  }
  assert.fail('it is still attached')
}

async function reasonToSkip(): Promise<string | undefined> {
  if (native.kind !== 'loaded') return native.reason
  if (process.getuid?.() !== 0) return 'needs root'
  if (spawnSync('clang', ['--version']).status !== 0) return 'clang is not installed'
  for (const type of ['uprobe', 'uprobe_multi', 'tp_btf'] as const) {
    const result = await probe(native.addon, type)
    if (!result.ok) return `${type} does not work here: ${result.code}`
  }
  return undefined
}
