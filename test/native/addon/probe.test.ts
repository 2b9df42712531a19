import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { PROGRAM_TYPES } from '../../../src/native/addon.ts'
import { eventually, makeCall, testbed, u32 } from './testbed.ts'

const bed = testbed()

describe('probe', { skip: bed.skip }, () => {
  if (bed.skip !== false) return
  const { addon, object } = bed

  test('tells of each type whether it works, and where it does not the step, the errno and why', async () => {
    for (const type of PROGRAM_TYPES) {
      const result = await addon.probe(type)
      assert.equal(result.type, type)
      if (result.ok) continue
      assert.match(result.step, /^(load|attach|create map)$/)
      assert.match(result.code, /^E[A-Z0-9]+$/)
      assert.notEqual(result.reason, '')
    }
  })

  test('what root has everywhere works: a ring, typed and raw tracepoints, iterators', async () => {
    for (const type of ['ringbuf', 'tp_btf', 'raw_tracepoint', 'iter'] as const)
      assert.deepEqual(await addon.probe(type), { type, ok: true })
  })

  test('kprobes are not to be had where the kernel was built without them', async (context) => {
    if (existsSync('/sys/bus/event_source/devices/kprobe')) return context.skip('this kernel has kprobes')
    const kprobe = await addon.probe('kprobe')
    assert.ok(!kprobe.ok)
    assert.deepEqual([kprobe.step, kprobe.code], ['attach', 'ENOENT'])
    assert.match(kprobe.reason, /kprobes/)
  })

  test('leaves no program behind, also when all are tried at once', async () => {
    await Promise.all(PROGRAM_TYPES.map((type) => addon.probe(type)))
    assert.ok(await eventually(() => !addon.programs().some(({ name }) => name === 'telegen_probe')))
  })

  test('a type that it does not know is a TypeError', () => {
    for (const wrong of ['kretprobe', '', 1, undefined]) assert.throws(() => addon.probe(wrong as never), TypeError)
  })

  test("a function's parameters are counted by the kernel's own types", () => {
    assert.equal(addon.functionParameters('tcp_sendmsg'), 3)
    assert.equal(addon.functionParameters('tcp_close'), 2)
    assert.equal(addon.functionParameters('no_such_function'), -1)
    assert.throws(() => addon.functionParameters(3 as never), TypeError)
  })

  test('system calls have the numbers of the machine', () => {
    const header = ['/usr/include/asm-generic/unistd.h', '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'].at(
      process.arch === 'x64' ? 1 : 0,
    )!
    if (!existsSync(header)) return
    const numbers = new Map(
      [...readFileSync(header, 'utf8').matchAll(/^#define __NR_(\w+) (\d+)$/gm)].map(([, name, nr]) => [
        name,
        Number(nr),
      ]),
    )
    for (const name of [
      'read',
      'write',
      'recvmsg',
      'sendmmsg',
      'sendfile',
      'accept4',
      'execve',
      'io_uring_enter',
      'kill',
    ])
      assert.equal(addon.systemCalls[name], numbers.get(name), name)
    for (const [name, number] of Object.entries(addon.systemCalls)) assert.equal(number, numbers.get(name), name)
  })

  test('programs count their runs while statistics are enabled, and not afterwards', async () => {
    const constants = { traced_pid: u32(process.pid), call: u32(addon.systemCalls['kill']!) }
    const loaded = await addon.load({ ...object('ring'), constants })
    await loaded.attach('on_call')
    const statistics = addon.enableStats()
    for (let call = 0; call < 100; call++) makeCall()
    addon.closeDescriptor(statistics)
    const [program] = loaded.info()
    assert.ok(program!.runs >= 100)
    assert.ok(program!.runTime > 0)
    assert.deepEqual([program!.name, program!.type], ['on_call', 'tracing'])
    loaded.close()
  })

  test('descriptors of the terminal are not closed, and what is closed is closed', () => {
    const map = addon.createMap({ type: 'array', name: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })
    addon.closeDescriptor(map)
    assert.throws(() => addon.closeDescriptor(map), { code: 'EBADF', step: 'close' })
    for (const wrong of [0, 2, -1, 3.5, undefined])
      assert.throws(() => addon.closeDescriptor(wrong as never), TypeError)
    for (const wrong of [0, -1, undefined]) assert.throws(() => addon.detachLink(wrong as never), TypeError)
  })
})
