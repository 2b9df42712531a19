import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Attachment, BpfObject } from '../../../src/native/addon.ts'
import { eventually, makeCall, summed, testbed } from './testbed.ts'

const bed = testbed()
/** As `/sys/class/net/lo/ifindex` says everywhere. */
const LOOPBACK = 1

describe('attach', { skip: bed.skip }, () => {
  if (bed.skip !== false) return
  const { addon, object } = bed

  /** Attaches a program, makes it run, and checks that it did, and that it does not once detached. */
  async function runs(program: string, counter: number, where: Attachment, provoke: () => unknown): Promise<void> {
    const loaded = await load()
    const ran = (): number => summed(addon, loaded.map('runs'), counter)
    const handle = await loaded.attach(program, where)
    provoke()
    assert.ok(await eventually(() => ran() > 0))
    loaded.detach(handle)
    assert.throws(() => loaded.detach(handle), { code: 'ENOENT', step: 'detach' })
    const still = async (): Promise<boolean> => {
      const before = ran()
      provoke()
      await new Promise((resolve) => setTimeout(resolve, 20))
      return ran() === before
    }
    // Detaching what hangs on perf takes the kernel a while, and is done behind.
    let quiet = false
    for (let attempt = 0; attempt < 50 && !quiet; attempt++) quiet = await still()
    assert.ok(quiet)
    loaded.close()
  }

  const load = (): Promise<BpfObject> => addon.load(object('hooks'))
  const libc = sharedLibrary('libc.so.6')
  const kill = libc ? addon.elf.symbolOffsets(libc, ['kill'])[0]! : -1
  const cgroup = cgroupRoot()

  test('to a cgroup', { skip: cgroup ? false : 'no cgroup2 is mounted' }, () =>
    runs('on_packet', 0, { kind: 'cgroup', path: cgroup! }, sendPacket),
  )

  test('to a function of a file, by its offset', { skip: kill < 0 ? 'libc.so.6 is not mapped' : false }, () =>
    runs('on_function', 1, { kind: 'uprobe', path: libc!, offset: kill, pid: 0, returns: false }, makeCall),
  )

  test("to a function's return", { skip: kill < 0 ? 'libc.so.6 is not mapped' : false }, () =>
    runs('on_function', 1, { kind: 'uprobe', path: libc!, offset: kill, pid: process.pid, returns: true }, makeCall),
  )

  test('to several functions by one link', { skip: kill < 0 ? 'libc.so.6 is not mapped' : false }, async (context) => {
    const probe = await addon.probe('uprobe_multi')
    if (!probe.ok) return context.skip(probe.reason)
    const where = { kind: 'uprobe_multi', path: libc!, offsets: [kill], pid: process.pid } as const
    await runs('on_functions', 2, { ...where, returns: false }, makeCall)
    await runs('on_functions', 2, { ...where, returns: true }, makeCall)
  })

  test("to the CPU's clock", () => {
    const where = { kind: 'perf_event', frequency: 999, cpu: -1, pid: process.pid } as const
    const compute = (): void => {
      for (const end = performance.now() + 20; performance.now() < end;);
    }
    return runs('on_tick', 3, where, compute)
  })

  test('to an interface, as XDP', () =>
    runs('on_frame', 4, { kind: 'xdp', interface: LOOPBACK, mode: 'generic' }, sendPacket))

  test('to an interface, as a classifier', () =>
    runs('on_ingress', 5, { kind: 'tc', interface: LOOPBACK, direction: 'ingress' }, sendPacket))

  test('closing detaches everything, and nothing of it stays in the kernel', async () => {
    const loaded = await load()
    const ids = loaded.info().map(({ id }) => id)
    await loaded.attach('on_frame', { kind: 'xdp', interface: LOOPBACK, mode: 'generic' })
    await loaded.attach('on_ingress', { kind: 'tc', interface: LOOPBACK, direction: 'egress' })
    if (kill > 0)
      await loaded.attach('on_function', { kind: 'uprobe', path: libc!, offset: kill, pid: 0, returns: false })
    const listed = addon.programs().filter(({ id }) => ids.includes(id))
    assert.equal(listed.length, 6)
    assert.deepEqual(listed.find(({ name }) => name === 'on_frame')?.type, 'xdp')
    loaded.close()
    assert.ok(await eventually(() => !addon.programs().some(({ id }) => ids.includes(id))))
    assert.ok(!addon.links().some(({ programId }) => ids.includes(programId)))
  })

  test('a link is found by its program and forced off by its id', { skip: cgroup ? false : 'no cgroup2' }, async () => {
    const loaded = await load()
    const { id } = loaded.info().find(({ name }) => name === 'on_packet')!
    await loaded.attach('on_packet', { kind: 'cgroup', path: cgroup! })
    const link = addon.links().find(({ programId }) => programId === id)!
    assert.equal(link.type, 'cgroup')
    const ran = (): number => summed(addon, loaded.map('runs'), 0)
    await sendPacket()
    assert.ok(await eventually(() => ran() > 0))
    addon.detachLink(link.id)
    const before = ran()
    await sendPacket()
    assert.equal(ran(), before)
    loaded.close()
    assert.throws(() => addon.detachLink(link.id), { code: 'ENOENT', step: 'detach link' })
  })

  test('by its section, where tracefs is mounted; closing waits for nothing', async (context) => {
    const probe = await addon.probe('tracepoint')
    if (!probe.ok) return context.skip(probe.reason)
    const loaded = await addon.load({ ...object('classic'), without: ['on_send'] })
    const ids = loaded.info().map(({ id }) => id)
    for (const program of loaded.programNames) await loaded.attach(program)
    const began = performance.now()
    loaded.close()
    // The three take 50-90 ms each.
    assert.ok(performance.now() - began < 50)
    assert.ok(await eventually(() => !addon.programs().some(({ id }) => ids.includes(id))))
  })

  test('where it cannot go is an error that says why', async () => {
    const loaded = await load()
    const refused: [string, Attachment, RegExp][] = [
      ['on_packet', { kind: 'cgroup', path: '/nowhere' }, /ENOENT/],
      ['on_packet', { kind: 'cgroup', path: '/proc' }, /EBADF|EINVAL/],
      ['on_function', { kind: 'uprobe', path: '/nowhere', offset: 0, pid: -1, returns: false }, /ENOENT/],
      [
        'on_functions',
        { kind: 'uprobe_multi', path: '/nowhere', offsets: [1], pid: -1, returns: false },
        /ENOENT|EINVAL/,
      ],
      ['on_frame', { kind: 'xdp', interface: 1_000_000, mode: 'native' }, /EINVAL|ENODEV/],
      ['on_ingress', { kind: 'tc', interface: 1_000_000, direction: 'ingress' }, /EINVAL|ENODEV/],
      ['on_tick', { kind: 'perf_event', frequency: 99, cpu: 100_000, pid: -1 }, /EINVAL|ENODEV/],
      ['on_tick', { kind: 'cgroup', path: '/sys' }, /E[A-Z]+/],
    ]
    for (const [program, where, code] of refused)
      await assert.rejects(loaded.attach(program, where), { code, step: 'attach', subject: program })
    // Without a place, and its section names none either.
    await assert.rejects(loaded.attach('on_packet'), { step: 'attach', subject: 'on_packet' })
    loaded.close()
  })

  test('a place that makes no sense is a TypeError', async () => {
    const loaded = await load()
    const uprobe = { kind: 'uprobe', path: '/proc/self/exe', offset: 0, pid: -1, returns: false }
    const multi = { ...uprobe, kind: 'uprobe_multi', offsets: [0] }
    const perf = { kind: 'perf_event', frequency: 99, cpu: 0, pid: -1 }
    const wrong: unknown[] = [
      null,
      1,
      'cgroup',
      [],
      {},
      { kind: 'nothing' },
      { kind: 'cgroup' },
      { kind: 'cgroup', path: 1 },
    ]
    wrong.push({ ...uprobe, offset: -1 }, { ...uprobe, pid: -2 }, { ...uprobe, returns: 1 }, { ...uprobe, path: 'a\0' })
    wrong.push({ ...multi, offsets: [] }, { ...multi, offsets: [-1] }, { ...multi, offsets: 1 })
    wrong.push({ ...multi, offsets: Array(65537).fill(0) })
    wrong.push({ ...perf, frequency: 0 }, { ...perf, frequency: 1e9 }, { ...perf, cpu: 0.5 })
    wrong.push({ kind: 'xdp', interface: 0, mode: 'native' }, { kind: 'xdp', interface: 1, mode: 'fast' })
    wrong.push({ kind: 'tc', interface: 1, direction: 'up' })
    for (const where of wrong) assert.throws(() => loaded.attach('on_function', where as never), TypeError)
    assert.throws(() => loaded.attach(1 as never), TypeError)
    for (const handle of [0, -1, 1.5, '1', undefined]) assert.throws(() => loaded.detach(handle as never), TypeError)
    loaded.close()
  })
})

/** A packet over the loopback interface to a port where nobody is. */
function sendPacket(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.send('packet', 47_911, '127.0.0.1', (error) => {
      socket.close()
      if (error) reject(error)
      else resolve()
    })
  })
}

function sharedLibrary(name: string): string | undefined {
  const maps = readFileSync('/proc/self/maps', 'utf8')
  return new RegExp(`(/\\S*/${name.replaceAll('.', '\\.')})$`, 'm').exec(maps)?.[1]
}

function cgroupRoot(): string | undefined {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  const path = / - cgroup2 /.test(mounts) ? /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1] : undefined
  return path && existsSync(path) ? path : undefined
}
