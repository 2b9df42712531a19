import type { ProbeResult, ProgramType } from './addon.ts'

/** What this kernel can do with the privileges that the loader has, found by loading and attaching a program of two instructions of each type. */
export interface Capabilities {
  /** `6.18.44`. */
  readonly kernel: string
  readonly architecture: string
  /** Whether the kernel describes its types (/sys/kernel/btf/vmlinux): without it nothing of ours loads. */
  readonly btf: boolean
  readonly types: Readonly<Record<ProgramType, ProbeResult>>
  /** Where the cgroup2 hierarchy is mounted. */
  readonly cgroup2?: string
  /** Where tracefs is mounted. */
  readonly tracefs?: string
}
