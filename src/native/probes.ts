import { existsSync } from 'node:fs'
import { arch, release } from 'node:os'
import { PROGRAM_TYPES } from './addon.ts'
import type { Addon, ProbeResult, ProgramType } from './addon.ts'
import type { Capabilities } from './capabilities.ts'
import { mounts } from './mounts.ts'

/** What was found once holds for the life of the process: neither kernel nor policy change under it. */
const found = new WeakMap<Addon, Map<ProgramType, Promise<ProbeResult>>>()

/** Loads and attaches a program of two instructions of this type, once. */
export function probe(addon: Addon, type: ProgramType): Promise<ProbeResult> {
  const results = found.get(addon) ?? new Map<ProgramType, Promise<ProbeResult>>()
  found.set(addon, results)
  const known = results.get(type)
  if (known) return known
  const result = addon.probe(type)
  results.set(type, result)
  return result
}

/** Forgets what was found about a type whose ground has changed: of tracepoints, once tracefs is mounted. */
export function forgetProbe(addon: Addon, type: ProgramType): void {
  found.get(addon)?.delete(type)
}

const counted = new WeakMap<Addon, Map<string, number>>()
/** Functions whose parameters are remembered; an agent may ask for any. */
const COUNTED_MAX = 256

/** How many parameters a function of the kernel has, read once: the addon looks through all of the kernel's types. -1 where there is none. */
export function parametersOf(addon: Addon, name: string): number {
  const counts = counted.get(addon) ?? new Map<string, number>()
  counted.set(addon, counts)
  const count = counts.get(name) ?? addon.functionParameters(name)
  if (counts.size < COUNTED_MAX) counts.set(name, count)
  return count
}

export const hasBtf = (): boolean => existsSync('/sys/kernel/btf/vmlinux')

/** Everything, which takes a second where it was not asked before. */
export async function probeAll(addon: Addon): Promise<Capabilities> {
  const types: [ProgramType, ProbeResult][] = []
  // One after the other: probes of several threads would wait for the same locks of the kernel.
  for (const type of PROGRAM_TYPES) types.push([type, await probe(addon, type)])
  const { cgroup2, tracefs } = mounts()
  return {
    kernel: release(),
    architecture: arch(),
    btf: hasBtf(),
    types: Object.fromEntries(types) as Record<ProgramType, ProbeResult>,
    ...(cgroup2 !== undefined && { cgroup2 }),
    ...(tracefs !== undefined && { tracefs }),
  }
}
