import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Findings } from './findings.ts'

export const EMULATOR = 'qemu-system-x86_64'
const MEMORY_MIB = 1536
/** All of a run, emulated. */
const BOOT_MS = 600_000
const TAIL_LINES = 40

/** A kernel that did not get as far as to tell anything: why, and the end of what it said. */
export class Unbooted extends Error {
  override readonly name = 'Unbooted'
}

/**
 * Boots a kernel in an emulated machine of one processor, waits until it is off, and returns what was found. Emulated, since machines that build are
 * virtual themselves; one processor, since some kernels panic at two of them.
 */
export async function boot(kernel: string, image: string, folder: string): Promise<Findings> {
  const [console, results] = [join(folder, 'console.txt'), join(folder, 'results.txt')]
  const emulator = spawn(
    EMULATOR,
    [
      '-machine q35 -accel tcg -cpu max -smp 1 -display none -monitor none -nic none -no-reboot'.split(' '),
      ['-m', `${MEMORY_MIB}M`, '-kernel', kernel, '-initrd', image],
      ['-serial', `file:${console}`, '-serial', `file:${results}`],
      ['-append', 'console=ttyS0 quiet panic=-1 mitigations=off lsm=capability,bpf'],
    ].flat(),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  process.once('exit', () => emulator.kill('SIGKILL'))
  const said: string[] = []
  emulator.stderr.on('data', (bytes: Buffer) => said.push(bytes.toString()))
  const late = setTimeout(() => emulator.kill('SIGKILL'), BOOT_MS)
  const [code, signal] = (await once(emulator, 'exit')) as [number | null, string | null]
  clearTimeout(late)
  const sent = Buffer.from(read(results), 'base64')
  if (code === 0 && sent.length > 0) return JSON.parse(gunzipSync(sent).toString()) as Findings
  const how = signal === 'SIGKILL' ? `it was not done in ${BOOT_MS / 1000} s` : `the machine ended with ${code}`
  throw new Unbooted([how, ...said, ...read(console).split('\n').slice(-TAIL_LINES)].join('\n'))
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // Not even begun.
    return ''
  }
}
