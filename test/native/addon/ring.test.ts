import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { BpfObject, Ring } from '../../../src/native/addon.ts'
import { prebuiltFolder } from '../../../src/native/load-addon.ts'
import { eventually, makeCall, summed, testbed, u32, u8 } from './testbed.ts'

const bed = testbed()
const EVENTS = 0
const RING_FULL = 1
const DISCARDED = 0x40000000
const FILL_BYTES = 240
const NOBODY = 65534

describe('Ring', { skip: bed.skip }, () => {
  if (bed.skip !== false) return
  const { addon, object } = bed

  /** Loaded, attached, its scratch filled with a pattern so that each byte of a record can be told. */
  async function tracing(constants: Record<string, Uint8Array>, ringBytes: number): Promise<[BpfObject, Ring]> {
    const traced = { traced_pid: u32(process.pid), call: u32(addon.systemCalls['kill']!) }
    const spec = { ...object('ring'), constants: { ...traced, ...constants }, mapSizes: { events: ringBytes } }
    const loaded = await addon.load(spec)
    const pattern = Buffer.alloc(8 + FILL_BYTES)
    for (let at = 0; at < FILL_BYTES; at++) pattern[8 + at] = at
    addon.maps.update(loaded.map('scratch'), u32(0), Buffer.concat(Array(addon.maps.possibleCpus).fill(pattern)))
    await loaded.attach('on_call')
    return [loaded, new addon.Ring(loaded.map('events'))]
  }

  test('records of all lengths come whole and in order, over the end of the ring and round again', async () => {
    const [loaded, ring] = await tracing({ burst: u32(20), fill_spread: u32(FILL_BYTES + 1) }, 4096 * 2)
    const reader = new Reader(FILL_BYTES + 1)
    for (let call = 0; call < 500; call++) {
      makeCall()
      reader.drain(ring)
    }
    assert.equal(reader.records, 10_000)
    assert.equal(summed(addon, loaded.map('counters'), RING_FULL), 0)
    assert.equal(ring.pending, 0)
    ring.close()
    loaded.close()
  })

  test('a record that was discarded is told as such and not lost sight of', async () => {
    const [loaded, ring] = await tracing({ burst: u32(10), discard_every: u32(5) }, 65536)
    makeCall()
    const target = Buffer.alloc(4096)
    const lengths: number[] = []
    const bytes = ring.drain(target)
    for (let at = 0; at < bytes;) {
      const word = target.readUInt32LE(at)
      lengths.push(word)
      at += 8 + Math.ceil((word & ~DISCARDED) / 8) * 8
    }
    const [gone, kept] = [DISCARDED | 24, 8]
    assert.deepEqual(lengths, [gone, kept, kept, kept, kept, gone, kept, kept, kept, kept])
    ring.close()
    loaded.close()
  })

  test('a target that does not hold everything gets what fits whole; one that holds not even a record is refused', async () => {
    const [loaded, ring] = await tracing({ burst: u32(5) }, 65536)
    makeCall()
    assert.equal(ring.size, 65536)
    assert.equal(ring.pending, 80)
    const drained = [40, 40, 40].map((room) => ring.drain(Buffer.alloc(room)))
    assert.deepEqual(drained, [32, 32, 16])
    assert.equal(ring.drain(Buffer.alloc(0)), 0)
    makeCall()
    assert.throws(() => ring.drain(Buffer.alloc(15)), { code: 'EMSGSIZE', step: 'drain' })
    assert.equal(ring.drain(Buffer.alloc(16)), 16)
    ring.close()
    loaded.close()
  })

  test('of a million records none is lost and none comes twice', async () => {
    const [loaded, ring] = await tracing({ burst: u32(64), fill_spread: u32(97) }, 256 * 1024)
    const reader = new Reader(97)
    for (let call = 0; call < 15_625; call++) {
      makeCall()
      if (call % 20 === 0) reader.drain(ring)
    }
    reader.drain(ring)
    assert.equal(reader.records, 1_000_000)
    assert.equal(summed(addon, loaded.map('counters'), EVENTS), 1_000_000)
    ring.close()
    loaded.close()
  })

  test('written by one thread and drained by another, each record is read or counted as lost', async () => {
    const [loaded, ring] = await tracing({ burst: u32(64), fill_spread: u32(97) }, 64 * 1024)
    const writes = 'for (let i = 0; i < 2000; i++) process.kill(process.pid, 0)'
    const worker = new Worker(writes, { eval: true })
    const reader = new Reader(97)
    let writing = true
    worker.once('exit', () => (writing = false))
    while (writing) {
      reader.drain(ring)
      await new Promise(setImmediate)
    }
    reader.drain(ring)
    // The last ones may have been lost: what comes behind them shows it.
    makeCall()
    reader.drain(ring)
    const lost = summed(addon, loaded.map('counters'), RING_FULL)
    assert.equal(reader.records + lost, 128_064)
    assert.equal(reader.missing, lost)
    ring.close()
    loaded.close()
  })

  test('the listener is called when the program wakes readers, and not for what is written without', async () => {
    const [quiet, quietRing] = await tracing({}, 65536)
    const [loud, loudRing] = await tracing({ wake: u8(1) }, 65536)
    let [quietCalls, loudCalls] = [0, 0]
    quietRing.wake(() => quietCalls++)
    loudRing.wake(() => loudCalls++)
    makeCall()
    assert.ok(await eventually(() => loudCalls === 1))
    // Nobody drained it, and it says so once: otherwise a ring that is never empty would keep the loop busy.
    await new Promise(setImmediate)
    assert.equal(loudCalls, 1)
    makeCall()
    assert.ok(await eventually(() => loudCalls === 2))
    assert.equal(quietCalls, 0)
    assert.equal(quietRing.pending, 32)
    for (const ring of [quietRing, loudRing]) ring.close()
    for (const loaded of [quiet, loud]) loaded.close()
  })

  test('a listener may close its ring, and what it throws is an uncaught exception', async () => {
    const [loaded, ring] = await tracing({ wake: u8(1) }, 65536)
    let calls = 0
    ring.wake(() => {
      calls++
      ring.close()
    })
    assert.throws(() => ring.wake(() => {}), { code: 'EALREADY' })
    makeCall()
    assert.ok(await eventually(() => calls === 1))
    assert.throws(() => ring.pending, { code: 'EBADF' })
    loaded.close()
  })

  test('a worker thread may end with a ring open and listened to', async () => {
    const [loaded, ring] = await tracing({ wake: u8(1) }, 65536)
    const file = JSON.stringify(new URL('../../../src/native/load-addon.ts', import.meta.url).href)
    const source = `
      const { workerData, parentPort } = require('node:worker_threads')
      import(${file}).then(({ loadAddon }) => {
        const ring = new (loadAddon().addon.Ring)(workerData)
        ring.wake(() => { ring.drain(Buffer.alloc(65536)); parentPort.postMessage('woken') })
        parentPort.postMessage('ready')
      })`
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(source, { eval: true, workerData: loaded.map('events') })
      const messages: unknown[] = []
      worker.on('message', (message) => messages.push(message))
      assert.ok(await eventually(() => messages.includes('ready')))
      makeCall()
      assert.ok(await eventually(() => messages.includes('woken')))
      assert.equal(await worker.terminate(), 1)
    }
    ring.close()
    loaded.close()
  })

  test('a process without any privilege reads the ring that it was passed', async () => {
    const [loaded, ring] = await tracing({}, 65536)
    makeCall()
    const file = join(mkdtempSync(join(tmpdir(), 'telegen-ring-')), 'telegen.node')
    copyFileSync(join(prebuiltFolder(), 'telegen.node'), file)
    chmodSync(dirname(file), 0o755)
    const source = `
      const addon = require(${JSON.stringify(file)})
      const ring = new addon.Ring(3)
      const refused = (() => { try { addon.programs() } catch (error) { return error.code } })()
      console.log(JSON.stringify({ uid: process.getuid(), drained: ring.drain(Buffer.alloc(4096)), refused }))`
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', source], {
      stdio: ['ignore', 'pipe', 'pipe', loaded.map('events')],
      encoding: 'utf8',
      uid: NOBODY,
      gid: NOBODY,
      cwd: '/',
    })
    rmSync(dirname(file), { recursive: true })
    assert.deepEqual(stdout && JSON.parse(stdout), { uid: NOBODY, drained: 16, refused: 'EPERM' }, stderr)
    assert.equal(ring.pending, 0)
    ring.close()
    loaded.close()
  })

  test('what is no ring, or no buffer, is refused', () => {
    const array = addon.createMap({ type: 'array', name: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })
    assert.throws(() => new addon.Ring(array), { code: 'EINVAL', step: 'open ring' })
    assert.throws(() => new addon.Ring(1_000_000), { code: 'EBADF' })
    for (const wrong of [undefined, '3', -1, 1.5, 2 ** 31])
      assert.throws(() => new addon.Ring(wrong as never), TypeError)
    addon.closeDescriptor(array)
    const events = addon.createMap({ type: 'ringbuf', name: 'events', keySize: 0, valueSize: 0, maxEntries: 1 })
    const ring = new addon.Ring(events)
    assert.equal(ring.size, 4096)
    for (const wrong of [undefined, [], new ArrayBuffer(8), new Uint16Array(8)])
      assert.throws(() => ring.drain(wrong as never), TypeError)
    assert.throws(() => ring.wake(undefined as never), TypeError)
    ring.close()
    ring.close()
    addon.closeDescriptor(events)
  })
})

/** Drains and checks each record: its length and bytes follow from its sequence. */
class Reader {
  records = 0
  /** Sequence numbers that were passed over. */
  missing = 0
  readonly #fillSpread: number
  readonly #target = Buffer.alloc(64 * 1024)
  #next = 0

  constructor(fillSpread: number) {
    this.#fillSpread = fillSpread
  }

  drain(ring: Ring): void {
    for (let bytes; (bytes = ring.drain(this.#target)) > 0;) {
      let at = 0
      while (at < bytes) at = this.#check(at)
      assert.equal(at, bytes)
    }
  }

  #check(at: number): number {
    const length = this.#target.readUInt32LE(at)
    const sequence = Number(this.#target.readBigUInt64LE(at + 8))
    const fill = sequence % this.#fillSpread
    if (sequence < this.#next) assert.fail(`${sequence} came after ${this.#next - 1}`)
    if (length !== 8 + fill) assert.fail(`${sequence} is of ${length} bytes`)
    for (let offset = 0; offset < fill; offset++)
      if (this.#target[at + 16 + offset] !== offset) assert.fail(`byte ${offset} of ${sequence} is another's`)
    this.missing += sequence - this.#next
    this.#next = sequence + 1
    this.records++
    return at + 8 + Math.ceil(length / 8) * 8
  }
}
