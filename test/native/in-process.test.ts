import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hasBtf } from '../../src/native/probes.ts'
import { inProcessLoader, Unavailable } from '../../src/native.ts'
import type { InProcessOptions, TracerRequest } from '../../src/native.ts'
import { fakeAddon } from './fake-addon.ts'
import type { FakeKernel } from './fake-addon.ts'

const REQUEST: TracerRequest = {
  tracer: 'http',
  rungs: [{ name: 'tp_btf', needs: ['tp_btf'], object: 'tp_btf' }],
  constants: {},
  mapSizes: {},
}

describe('the loader of one process', { skip: !hasBtf() && 'this kernel has no BTF' }, () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'telegen-objects-'))
    mkdirSync(join(folder, 'bpf'))
    writeFileSync(join(folder, 'bpf/tp_btf.bpf.o'), 'tp_btf')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  function loaderOn(kernel: Partial<FakeKernel> = {}, options: Partial<InProcessOptions> = {}) {
    const addon = fakeAddon({ objects: { tp_btf: ['sys_enter'] }, ...kernel })
    const log = { info: () => {}, debug: () => {} }
    return { addon, loader: inProcessLoader({ addon, folder, log, ...options }) }
  }

  test('gives all tracers the same ring, of the size that was asked for first, and the same verdicts', async () => {
    const { addon, loader } = loaderOn()
    const ring = await loader.ring(3_000_000)
    assert.equal(ring.bytes, 4 * 1024 * 1024)
    assert.deepEqual(await loader.ring(64), ring)
    await loader.load(REQUEST)
    await loader.load({ ...REQUEST, tracer: 'tcp' })
    assert.deepEqual(
      addon.made.map(({ name }) => name),
      ['events', 'verdicts'],
    )
    const [first, second] = addon.loads.map(({ sharedMaps }) => sharedMaps)
    assert.equal(first?.['events'], ring.descriptor)
    assert.deepEqual(first, second)
    await loader.close()
  })

  test('tells the programs which processes are its own', async () => {
    const { addon, loader } = loaderOn()
    await loader.load(REQUEST)
    assert.deepEqual(addon.loads[0]?.constants?.['own_pids'], bytes(process.pid, 0))
    const separated = loaderOn({}, { ownPids: [7, 8] })
    await separated.loader.load({ ...REQUEST, constants: { own_pids: bytes(1, 1) } })
    assert.deepEqual(separated.addon.loads[0]?.constants?.['own_pids'], bytes(7, 8))
    await loader.close()
    await separated.loader.close()
  })

  test('sums the counters of all CPUs', async () => {
    const { loader } = loaderOn()
    const tracer = await loader.load(REQUEST)
    assert.deepEqual(await tracer.counters(), [3, 40])
    await loader.close()
  })

  test('lets the verdicts be written to, and no map of a tracer', async () => {
    const { loader } = loaderOn()
    const tracer = await loader.load(REQUEST)
    await tracer.update('verdicts', Uint8Array.of(1, 0, 0, 0), Uint8Array.of(2))
    await assert.rejects(tracer.update('connections', Uint8Array.of(1), Uint8Array.of(2)), /may be written to/)
    await assert.rejects(tracer.delete('connections', Uint8Array.of(1)), /may be written to/)
    await loader.close()
  })

  test('says once that privileges are missing, in place of every rung’s error, and tries nothing', async () => {
    const { addon, loader } = loaderOn({ capabilities: ['CAP_BPF'] })
    const message = 'loading programs into the kernel needs root or CAP_BPF + CAP_PERFMON'
    await assert.rejects(loader.load(REQUEST), { name: 'Unavailable', message })
    await assert.rejects(loader.ring(65_536), { name: 'Unavailable', message })
    assert.deepEqual([addon.probed, addon.made], [[], []])
  })

  test('probes a type once, and only those that the rungs need', async () => {
    const { addon, loader } = loaderOn()
    await loader.load(REQUEST)
    await loader.load(REQUEST)
    assert.deepEqual(addon.probed, ['tp_btf'])
    await loader.close()
  })

  test('leaves nothing when it is closed, also of what was being loaded, and loads nothing afterwards', async () => {
    const { addon, loader } = loaderOn()
    await loader.load(REQUEST)
    const late = loader.load({ ...REQUEST, tracer: 'tcp' })
    const closed = loader.close()
    await assert.rejects(late, /the loader was closed/)
    await closed
    assert.deepEqual([...addon.open], [])
    await assert.rejects(loader.load(REQUEST), Unavailable)
    await loader.close()
  })
})

const bytes = (...pids: number[]): Uint8Array => new Uint8Array(Uint32Array.from(pids).buffer)
