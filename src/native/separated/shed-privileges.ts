import { release } from 'node:os'
import type { Addon } from '../addon.ts'
import type { LoaderLog } from '../loader.ts'
import { mountTracefs, mounts } from '../mounts.ts'
import { probe } from '../probes.ts'
import { reasonOf } from '../reasons.ts'

/** What each hook of a shipped program needs; measured in docs/privileges.md. */
const ALWAYS = ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN'] as const
/** Ids of tracepoints stand in files of root's alone. */
const TRACEPOINTS = 'CAP_DAC_READ_SEARCH'
/** Looking into processes of others: /proc/PID/root, /proc/PID/exe. */
const PROBED_PROCESSES = 'CAP_SYS_PTRACE'
/**
 * Before this kernel the memory of maps counts as locked memory, whose limit only this may raise. libbpf raises it by itself, from 1.0 on, before the
 * first program or map that it makes, where it finds the kernel to be that old.
 */
const MEMORY = { name: 'CAP_SYS_RESOURCE', before: [5, 11] } as const
/** Before 5.8 there is none of ALWAYS but the last. */
const EVERYTHING = 'CAP_SYS_ADMIN'

/**
 * Finds out what loading needs here; what it resolves to gives up all else, in every thread and for good. CAP_DAC_READ_SEARCH reads every file of
 * the machine: it stays only where no typed tracepoint works, so that the last rung of the ladders is all there is.
 */
export async function unneededPrivileges(addon: Addon, log: LoaderLog, probes: boolean): Promise<() => void> {
  const typed = await probe(addon, 'tp_btf')
  if (!typed.ok) await findTracefs(log)
  const uprobes = !probes ? 'none' : (await probe(addon, 'uprobe_multi')).ok ? 'multi' : 'perf'
  const before = addon.privileges.effective()
  const wanted = wantedOf({ kernel: release(), typed: typed.ok, held: before, uprobes })
  return () => {
    addon.privileges.noNewPrivileges()
    addon.privileges.keepOnly(wanted.filter((name) => before.includes(name)))
    const kept = addon.privileges.effective()
    const missing = wanted.filter((name) => !kept.includes(name))
    log.info({ kept, ...(missing.length > 0 && { missing }) }, 'Privileges that loading does not need are given up')
  }
}

export function wantedOf(facts: {
  readonly kernel: string
  readonly typed: boolean
  readonly held: readonly string[]
  /** Whether processes are to be probed, and how the kernel lets them be: by one link for many, or by perf, which needs EVERYTHING. */
  readonly uprobes: 'none' | 'multi' | 'perf'
}): readonly string[] {
  const { kernel, typed, held, uprobes } = facts
  const isCoarse = !held.includes('CAP_BPF') && held.includes(EVERYTHING)
  return [
    ...(isCoarse || uprobes === 'perf' ? [EVERYTHING] : []),
    ...(isCoarse ? ['CAP_NET_ADMIN'] : ALWAYS),
    ...(uprobes === 'none' ? [] : [PROBED_PROCESSES]),
    ...(typed ? [] : [TRACEPOINTS]),
    ...(isBefore(kernel, MEMORY.before) ? [MEMORY.name] : []),
  ]
}

function isBefore(kernel: string, [major, minor]: readonly [number, number]): boolean {
  const [own = 0, ownMinor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  return own < major || (own === major && ownMinor < minor)
}

/** Afterwards nothing can be mounted any more. */
async function findTracefs(log: LoaderLog): Promise<void> {
  if (mounts().tracefs !== undefined) return
  try {
    log.info({ path: await mountTracefs() }, 'tracefs was mounted nowhere, and tracepoints need it: mounted')
  } catch (thrown) {
    log.info({ error: reasonOf(thrown) }, 'tracefs is mounted nowhere, and could not be')
  }
}
