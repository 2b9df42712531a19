import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Addon, ObjectSpec } from '../../../src/native/addon.ts'
import { loadAddon } from '../../../src/native/load-addon.ts'

/** The addon and the objects of these tests, or why they cannot run here. */
export type Testbed =
  | { readonly skip: string }
  | { readonly skip: false; readonly addon: Addon; readonly object: (name: string) => ObjectSpec }

export function testbed(): Testbed {
  const loaded = loadAddon()
  if (loaded.kind === 'unavailable') return { skip: loaded.reason }
  if (process.getuid?.() !== 0) return { skip: 'loading programs needs root' }
  try {
    execFileSync('clang', ['--version'], { stdio: 'ignore' })
  } catch {
    return { skip: 'clang is not installed' }
  }
  return { skip: false, addon: loaded.addon, object: (name) => ({ name, elf: compiled(name) }) }
}

const objects = new Map<string, Uint8Array>()

function compiled(name: string): Uint8Array {
  const known = objects.get(name)
  if (known) return known
  const folder = mkdtempSync(join(tmpdir(), 'telegen-bpf-'))
  try {
    const object = join(folder, `${name}.o`)
    const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
    const target = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-Wall', '-Werror']
    const includes = [`-I/usr/include/${machine}-linux-gnu`, `-I${join(import.meta.dirname, '../../../bpf/include')}`]
    execFileSync('clang', [...target, ...includes, '-c', join(import.meta.dirname, `${name}.bpf.c`), '-o', object])
    const elf = readFileSync(object)
    objects.set(name, elf)
    return elf
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value)
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** A value of a per-CPU map, summed over the CPUs. */
export function summed(addon: Addon, map: number, key: number): number {
  const values = Buffer.alloc(8 * addon.maps.possibleCpus)
  addon.maps.lookup(map, u32(key), values)
  let sum = 0
  for (let at = 0; at < values.length; at += 8) sum += Number(values.readBigUInt64LE(at))
  return sum
}

/** The system call that programs of these tests look for: it does nothing, and nothing else here makes it. */
export function makeCall(): void {
  process.kill(process.pid, 0)
}

/** Until it holds, 5 s at most. */
export async function eventually(holds: () => boolean): Promise<boolean> {
  for (const end = Date.now() + 5000; Date.now() < end;) {
    if (holds()) return true
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return holds()
}
