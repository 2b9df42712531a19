import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Addon, NativeError } from '../../../src/native/addon.ts'
import { eventually, makeCall, summed, testbed, u32, u8 } from './testbed.ts'

const bed = testbed()
const EVENTS = 0

describe('load', { skip: bed.skip }, () => {
  if (bed.skip !== false) return
  const { addon, object } = bed
  const ring = object('ring')
  const tracesThis = { traced_pid: u32(process.pid), call: u32(addon.systemCalls['kill']!) }

  test('a constant is what the program sees, and what is not set keeps its value', async () => {
    const loaded = await addon.load({ ...ring, constants: { ...tracesThis, burst: u32(3) } })
    await loaded.attach('on_call')
    makeCall()
    assert.equal(summed(addon, loaded.map('counters'), EVENTS), 3)
    loaded.close()
  })

  test('maps are of the size asked for; a ring of the next power of two of pages', async () => {
    const loaded = await addon.load({ ...ring, mapSizes: { events: 5000, verdicts: 77 } })
    assert.equal(addon.maps.info(loaded.map('events')).maxEntries, 8192)
    assert.equal(addon.maps.info(loaded.map('verdicts')).maxEntries, 77)
    assert.equal(addon.maps.info(loaded.map('counters')).maxEntries, 16)
    loaded.close()
  })

  test('a section is as large as it is: memory that is not its own would go with it', async () => {
    const sized = addon.load({ ...ring, mapSizes: { 'ring.rodata': 2 } })
    await assert.rejects(sized, failure('EPERM', 'map sizes', 'ring.rodata'))
  })

  test('objects that share a ring write to the same one, which outlives them', async () => {
    const events = addon.createMap({ type: 'ringbuf', name: 'events', keySize: 0, valueSize: 0, maxEntries: 65536 })
    const sharing = { ...ring, constants: tracesThis, sharedMaps: { events, unknown: events } }
    const first = await addon.load(sharing)
    const second = await addon.load(sharing)
    await first.attach('on_call')
    await second.attach('on_call')
    makeCall()
    first.close()
    second.close()
    const reader = new addon.Ring(events)
    assert.equal(reader.drain(Buffer.alloc(1000)), 32)
    reader.close()
    addon.closeDescriptor(events)
  })

  test('a map of another shape is not shared', async () => {
    const array = addon.createMap({ type: 'array', name: 'events', keySize: 4, valueSize: 4, maxEntries: 1 })
    await assert.rejects(
      addon.load({ ...ring, sharedMaps: { events: array } }),
      failure('EINVAL', 'shared map', 'events'),
    )
    addon.closeDescriptor(array)
  })

  test('what the object lacks is an error that names it', async () => {
    await assert.rejects(
      addon.load({ ...ring, constants: { nothing: u8(1) } }),
      failure('ENOENT', 'constants', 'nothing'),
    )
    await assert.rejects(addon.load({ ...ring, constants: { wake: u32(1) } }), failure('E2BIG', 'constants', 'wake'))
    await assert.rejects(addon.load({ ...ring, mapSizes: { nothing: 1 } }), failure('ENOENT', 'map sizes', 'nothing'))
    await assert.rejects(addon.load({ ...ring, without: ['nothing'] }), failure('ENOENT', 'open', 'nothing'))
    const loaded = await addon.load(ring)
    assert.throws(() => loaded.map('nothing'), failure('ENOENT', 'map', 'nothing'))
    await assert.rejects(loaded.attach('nothing'), failure('ENOENT', 'attach', 'nothing'))
    assert.throws(() => loaded.detach(1), failure('ENOENT', 'detach', 'ring'))
    loaded.close()
  })

  test('a program that is left out is not loaded', async () => {
    const loaded = await addon.load({ ...object('hooks'), without: ['on_tick', 'on_frame'] })
    assert.deepEqual([...loaded.programNames].sort(), ['on_function', 'on_functions', 'on_ingress', 'on_packet'])
    await assert.rejects(loaded.attach('on_tick'), failure('ENOENT', 'attach', 'on_tick'))
    loaded.close()
  })

  test("what the verifier refuses carries its log's end, also when two fail at once", async () => {
    const refused = failure('EACCES', 'load', 'unchecked')
    const check = (error: NativeError): true => {
      refused(error)
      assert.match(error.log!, /invalid mem access 'map_value_or_null'/)
      assert.ok(error.log!.length <= 4096)
      return true
    }
    const spec = object('refused')
    await Promise.all([assert.rejects(addon.load(spec), check), assert.rejects(addon.load(spec), check)])
  })

  test('fentry is refused by the loader with the errno that its probe told', async (context) => {
    const probe = await addon.probe('fentry')
    if (probe.ok) return context.skip('fentry works here')
    const loading = addon.load({ ...object('classic'), without: ['on_kill', 'on_killed', 'on_kill_of_thread'] })
    await assert.rejects(loading, failure(probe.code, 'load', 'on_send'))
  })

  test('bytes that are no object, and arguments of other types, are refused', async () => {
    await assert.rejects(addon.load({ name: 'x', elf: Buffer.from('no ELF') }), failure('EINVAL', 'open', 'x'))
    await assert.rejects(addon.load({ name: 'x', elf: ring.elf.subarray(0, 3000) }), { step: 'open' })
    const wrong: unknown[] = [
      undefined,
      null,
      1,
      {},
      { name: 'x' },
      { name: '', elf: ring.elf },
      { name: 'x', elf: [1] },
    ]
    wrong.push({ ...ring, constants: { wake: 1 } }, { ...ring, constants: [] }, { ...ring, mapSizes: { events: -1 } })
    wrong.push(
      { ...ring, mapSizes: { events: 2 ** 32 } },
      { ...ring, sharedMaps: { events: 1.5 } },
      { ...ring, without: 'x' },
    )
    wrong.push({ ...ring, name: 'a\0b' })
    for (const spec of wrong) assert.throws(() => addon.load(spec as never), TypeError)
  })

  test('200 rounds of loading, attaching and closing leave no descriptor and no program', async () => {
    const ids = new Set<number>()
    const rounds = async (count: number): Promise<void> => {
      for (let round = 0; round < count; round++) {
        const loaded = await addon.load(ring)
        for (const { id } of loaded.info()) ids.add(id)
        await loaded.attach('on_call')
        const reader = new addon.Ring(loaded.map('events'))
        if (round % 2) loaded.close()
        reader.close()
        loaded.close()
        await assert.rejects(addon.load({ ...ring, constants: { nothing: u8(1) } }))
      }
    }
    await rounds(2)
    const before = descriptors()
    await rounds(200)
    assert.equal(descriptors(), before)
    assert.equal(ids.size, 202)
    assert.ok(await gone(addon, ids))
  })

  test('an object that is closed answers with errors', async () => {
    const loaded = await addon.load(ring)
    const ids = new Set(loaded.info().map(({ id }) => id))
    const attaching = loaded.attach('on_call')
    loaded.close()
    loaded.close()
    // It may have been attached before the close, which then took it away.
    await attaching.catch(failure('EBADF', 'attach', 'on_call'))
    assert.ok(await gone(addon, ids))
    assert.throws(() => loaded.map('events'), failure('EBADF', 'map', 'events'))
    await assert.rejects(loaded.attach('on_call'), failure('EBADF', 'attach', 'on_call'))
  })
})

function failure(code: string, step: string, subject: string): (error: NativeError) => true {
  return (error) => {
    assert.equal(`${error.code} ${error.step} ${error.subject}`, `${code} ${step} ${subject}`, error.message)
    assert.ok(error.errno > 0)
    assert.ok(error.message.includes(subject) && error.message.includes(code), error.message)
    return true
  }
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** The kernel lets go of a program a moment after its last descriptor. */
function gone(addon: Addon, ids: ReadonlySet<number>): Promise<boolean> {
  return eventually(() => !addon.programs().some(({ id }) => ids.has(id)))
}
