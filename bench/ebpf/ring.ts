import { execFileSync, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { loadAddon } from '../../src/native.ts'
import type { Addon, BpfObject } from '../../src/native.ts'
import type { Pace } from './generator.ts'
import type { Read } from './reader.ts'
import type { RingRow } from './results.ts'

const RING_BYTES = 16 * 1024 * 1024
/** Events that one system call of the generator becomes. */
const BURST = 10
const SETTLE_MS = 500
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86', arm64: 'arm64' }

export async function ringBench(paces: readonly Omit<Pace, 'burst'>[]): Promise<RingRow[]> {
  const loaded = loadAddon()
  if (loaded.kind === 'unavailable') throw new Error(loaded.reason)
  const elf = compile()
  console.log(`64-byte events, ring of ${RING_BYTES / 2 ** 20} MiB, Node ${process.version}\n`)
  console.log('  asked/s      read/s   lost  never written   CPU us/event   of a core')
  const rows: RingRow[] = []
  for (const pace of paces) {
    const row = await run(loaded.addon, elf, { ...pace, burst: BURST })
    console.log(line(row))
    rows.push(row)
  }
  return rows
}

async function run(addon: Addon, elf: Uint8Array, pace: Pace): Promise<RingRow> {
  const child = fork(fileURLToPath(new URL('generator.ts', import.meta.url)))
  const ring = addon.createMap({ name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: RING_BYTES })
  const worker = new Worker(new URL('reader.ts', import.meta.url), { workerData: { ring } })
  let object: BpfObject | undefined
  try {
    object = await addon.load({
      name: 'bench',
      elf,
      constants: constantsFor(addon, child),
      sharedMaps: { events: ring },
    })
    await object.attach('generate')
    await once(worker, 'message')
    const before = process.cpuUsage()
    const began = performance.now()
    child.send(pace)
    const [{ calls }] = (await once(child, 'message')) as [{ calls: number }]
    const took = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(before)
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    worker.postMessage('how many', [])
    const [{ events, gaps }] = (await once(worker, 'message')) as [Read]
    const [written, ringFull] = counters(addon, object)
    return {
      rate: pace.rate,
      seconds: pace.seconds,
      read: events / took,
      lost: (written as number) - events + gaps,
      neverWritten: ringFull as number,
      microseconds: (user + system) / events,
      core: (user + system) / took / 1e6,
      isWhole: calls * pace.burst === (written as number) + (ringFull as number),
    }
  } finally {
    object?.close()
    child.kill()
    await worker.terminate()
    addon.closeDescriptor(ring)
  }
}

function line({ rate, read, lost, neverWritten, microseconds, core, isWhole }: RingRow): string {
  const row = [
    rate.toLocaleString('en').padStart(9),
    Math.round(read).toLocaleString('en').padStart(11),
    String(lost).padStart(6),
    String(neverWritten).padStart(14),
    microseconds.toFixed(3).padStart(14),
    `${(core * 100).toFixed(1)} %`.padStart(11),
  ]
  return row.join(' ') + (isWhole ? '' : '  (the generator was not seen whole)')
}

function constantsFor({ systemCalls }: Addon, { pid }: ChildProcess): Record<string, Uint8Array> {
  const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer)
  return {
    generator_pid: u32(pid as number),
    generator_call: u32(systemCalls['getppid'] as number),
    burst: u32(BURST),
  }
}

/** Events that were written, and those for which the ring had no room. */
function counters({ maps }: Addon, object: BpfObject): number[] {
  const values = Buffer.alloc(8 * maps.possibleCpus)
  return [0, 1].map((counter) => {
    maps.lookup(object.map('counters'), new Uint8Array(Uint32Array.of(counter).buffer), values)
    return Array.from({ length: maps.possibleCpus }, (_, cpu) => Number(values.readBigUInt64LE(cpu * 8))).reduce(
      (a, b) => a + b,
    )
  })
}

function compile(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'telegen-bench-'))
  const object = join(folder, 'generate.bpf.o')
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
  try {
    const flags = `-O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_${ARCHITECTURES[process.arch]}`
    const includes = ['-I', join(root, 'bpf/include'), `-I/usr/include/${machine}-linux-gnu`]
    const source = join(root, 'bench/ebpf/generate.bpf.c')
    execFileSync('clang', [...flags.split(' '), ...includes, '-c', source, '-o', object])
    return readFileSync(object)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
