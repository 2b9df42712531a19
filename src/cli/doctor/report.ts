import type { PassedOver, ProbeResult } from '../../native.ts'

/**
 * What `telegen doctor --output json` prints: names stay as they are, more may be added. `null` is what could not be found out, or is not
 * there.
 */
export interface DoctorReport {
  readonly telegen: string
  readonly system: SystemFacts
  readonly mounts: { readonly cgroup2: string | null; readonly tracefs: string | null; readonly bpffs: string | null }
  readonly process: ProcessFacts
  readonly native: NativeFacts
  /** What is in the way of all programs, and how to help it. */
  readonly obstacle: string | null
  /** Empty where nothing could be tried. */
  readonly program_types: readonly ProbeResult[]
  readonly tracers: readonly TracerFacts[]
}

export interface SystemFacts {
  readonly platform: string
  readonly architecture: string
  readonly kernel: string
  /** Whether the kernel describes its types. */
  readonly btf: boolean
  /** `none`, `integrity` or `confidentiality` (kernel_lockdown(7)). */
  readonly lockdown: string | null
  readonly unprivileged_bpf_disabled: number | null
  readonly perf_event_paranoid: number | null
}

export interface ProcessFacts {
  readonly uid: number
  /** In effect: `CAP_BPF`. */
  readonly capabilities: readonly string[]
  /** Whether it sees the processes of the whole host. */
  readonly host_pid_namespace: boolean | null
  readonly initial_user_namespace: boolean | null
  readonly container: { readonly runtime: string; readonly id: string | null } | null
  /** In the cgroup2 hierarchy. */
  readonly cgroup: string | null
}

export interface NativeFacts {
  readonly loaded: boolean
  readonly folder: string
  readonly addon: string | null
  readonly libbpf: string | null
  /** Why it is not loaded, and how to get it. */
  readonly reason: string | null
}

export interface TracerFacts {
  readonly tracer: string
  /** The way that it sees what it sees; null where there is none. */
  readonly rung: string | null
  /** Whether that was found by loading its programs, or by what the kernel can do. */
  readonly tried: boolean
  readonly passed_over: readonly PassedOver[]
  /** Where there is none: what is in the way of all. */
  readonly reason: string | null
}
