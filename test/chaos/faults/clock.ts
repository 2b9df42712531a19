import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Row } from '../harness/row.ts'

/** The wall clock jumps: row 16 of the fault table. What waits must wait by the monotonic clock. */
const SHIM = fileURLToPath(new URL('./clock-shim.c', import.meta.url))
const HOUR = 3_600
const TEN_YEARS = 10 * 365 * 24 * HOUR
const JUMPS = [HOUR, -HOUR, TEN_YEARS, -TEN_YEARS, 0]

export const clockJumps: Row = {
  name: 'clock-jumps',
  about:
    'The wall clock jumps by an hour and by ten years, both ways, with a backend away: nothing expires, nothing hangs.',
  queues: ['memory', 'disk'],
  missing: () => (spawnSync('gcc', ['--version']).status === 0 ? undefined : 'gcc is not here'),
  scene: { idle: true, protocol: 'grpc' },
  async run(scene) {
    const library = join(scene.directory, 'clock-shim.so')
    const clock = join(scene.directory, 'clock')
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, SHIM, '-ldl'])
    writeFileSync(clock, Buffer.alloc(16))
    scene.telegen.options = { ...scene.telegen.options, env: { LD_PRELOAD: library, TELEGEN_CHAOS_CLOCK: clock } }
    await scene.telegen.start()
    await scene.load(2_000)
    for (const jump of JUMPS) {
      await scene.last(300)
      await scene.sink.call('down')
      await scene.last(300)
      setClock(clock, jump)
      await scene.last(700)
      await scene.sink.call('up')
      await scene.last(300)
    }
    scene.strike(shifted(clock), 'readings of the wall clock shifted')
    scene.heal()
    await scene.last(500)
  },
}

function setClock(file: string, seconds: number): void {
  const value = Buffer.alloc(8)
  value.writeBigInt64LE(BigInt(seconds))
  const descriptor = openSync(file, 'r+')
  writeSync(descriptor, value, 0, 8, 0)
  closeSync(descriptor)
}

function shifted(file: string): number {
  const value = Buffer.alloc(8)
  const descriptor = openSync(file, 'r')
  readSync(descriptor, value, 0, 8, 8)
  closeSync(descriptor)
  return Number(value.readBigInt64LE())
}
