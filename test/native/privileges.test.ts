import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadAddon } from '../../src/native/load-addon.ts'

const loaded = loadAddon()
const why =
  loaded.kind !== 'loaded'
    ? loaded.reason
    : loaded.addon.privileges.effective().includes('CAP_BPF')
      ? false
      : 'needs capabilities to give up'

interface ThreadStatus {
  readonly name: string
  readonly CapEff: string
  readonly CapPrm: string
  readonly CapInh: string
  readonly CapAmb: string
  readonly CapBnd: string
  readonly NoNewPrivs: string
}

describe('privileges', { skip: why }, () => {
  if (loaded.kind !== 'loaded') return
  const file = join(loaded.folder, 'telegen.node')

  /** Runs in a process of its own, with threads that there are before and one that is made after; tells of all threads. */
  function afterwards(act: string): readonly ThreadStatus[] {
    const source = `
      const { privileges } = require(${JSON.stringify(file)})
      const { readdirSync, readFile, readFileSync } = require('node:fs')
      const { Worker } = require('node:worker_threads')
      const idle = () => new Promise((resolve) => { const worker = new Worker('setInterval(() => {}, 1000)', { eval: true }); worker.once('online', resolve) })
      readFile('/proc/self/stat', async () => {
        await idle()
        ${act}
        await idle()
        const told = readdirSync('/proc/self/task').map((thread) => Object.fromEntries(
          [...readFileSync('/proc/self/task/' + thread + '/status', 'utf8').matchAll(/^(Cap\\w+|NoNewPrivs|Name):\\s*(.*)$/gm)].map(([, key, value]) => [key === 'Name' ? 'name' : key, value])))
        console.log(JSON.stringify(told))
        process.exit()
      })`
    return JSON.parse(execFileSync(process.execPath, ['-e', source]).toString()) as ThreadStatus[]
  }

  test('are given up in every thread, also those that no JavaScript runs in and those made afterwards', () => {
    const threads = afterwards(`privileges.keepOnly(['CAP_BPF', 'CAP_PERFMON'])`)
    assert.ok(threads.some(({ name }) => name === 'SignalInspector') && threads.length > 8, `${threads.length} threads`)
    const bits = 0xc0_0000_0000n
    for (const { name, CapEff, CapPrm, CapInh, CapAmb, CapBnd } of threads) {
      assert.deepEqual(
        [CapEff, CapPrm].map((value) => BigInt(`0x${value}`)),
        [bits, bits],
        name,
      )
      for (const value of [CapInh, CapAmb, CapBnd]) assert.equal(BigInt(`0x${value}`) & ~bits, 0n, name)
    }
  })

  test('that were given up do not come back, by asking for more', () => {
    const threads = afterwards(`privileges.keepOnly([]); privileges.keepOnly(['CAP_BPF'])`)
    for (const { CapEff, CapPrm, CapBnd } of threads) assert.match(CapEff + CapPrm + CapBnd, /^0+$/)
  })

  test('are not to be had by executing anything, in any thread', () => {
    const threads = afterwards('privileges.noNewPrivileges()')
    assert.deepEqual(new Set(threads.map(({ NoNewPrivs }) => NoNewPrivs)), new Set(['1']))
    assert.ok(threads.every(({ CapEff }) => BigInt(`0x${CapEff}`) !== 0n))
  })

  test('have names that the kernel knows', () => {
    const { privileges } = loaded.addon
    assert.throws(() => privileges.keepOnly(['CAP_MAGIC']), { code: 'EINVAL', subject: 'CAP_MAGIC' })
    assert.throws(() => privileges.keepOnly('CAP_BPF' as never), TypeError)
    assert.ok(privileges.effective().every((name) => name.startsWith('CAP_')))
  })
})
