import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { arch, platform, release } from 'node:os'
import { capabilityNames } from './capability-names.ts'
import { containerOf } from './container.ts'
import type { ProcessFacts, SystemFacts } from './report.ts'

/** Inodes of the namespaces that the kernel starts with (linux/proc_ns.h). */
const HOST_PID_NAMESPACE = 'pid:[4026531836]'
const INITIAL_USER_NAMESPACE = 'user:[4026531837]'

export const systemFacts = (): SystemFacts => ({
  platform: platform(),
  architecture: arch(),
  kernel: release(),
  btf: existsSync('/sys/kernel/btf/vmlinux'),
  lockdown: lockdownOf(textOf('/sys/kernel/security/lockdown')),
  unprivileged_bpf_disabled: numberIn('/proc/sys/kernel/unprivileged_bpf_disabled'),
  perf_event_paranoid: numberIn('/proc/sys/kernel/perf_event_paranoid'),
})

export function processFacts(): ProcessFacts {
  const cgroups = textOf('/proc/self/cgroup')
  return {
    uid: process.geteuid?.() ?? -1,
    capabilities: capabilityNames(textOf('/proc/self/status') ?? ''),
    host_pid_namespace: isNamespace('/proc/self/ns/pid', HOST_PID_NAMESPACE),
    initial_user_namespace: isNamespace('/proc/self/ns/user', INITIAL_USER_NAMESPACE),
    container: containerOf({
      cgroups: cgroups ?? '',
      mountinfo: textOf('/proc/self/mountinfo') ?? '',
      environment: process.env,
      exists: existsSync,
      systemd: textOf('/run/systemd/container')?.trim(),
    }),
    cgroup: /^0::(.*)$/m.exec(cgroups ?? '')?.[1] ?? null,
  }
}

/** `none [integrity] confidentiality`: what is in brackets holds. */
export const lockdownOf = (text: string | undefined): string | null => /\[(\w+)\]/.exec(text ?? '')?.[1] ?? null

function isNamespace(path: string, expected: string): boolean | null {
  try {
    return readlinkSync(path) === expected
  } catch {
    // Not Linux.
    return null
  }
}

function numberIn(path: string): number | null {
  const text = textOf(path)
  return text === undefined ? null : Number(text)
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not there, or not for this user to read: not known, which is an answer.
    return undefined
  }
}
