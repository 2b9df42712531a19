import { existsSync, readFileSync } from 'node:fs'

/** System calls by which something gets onto a disk, or away from it. */
export const DISK_CALLS = [
  'pwritev',
  'pwrite64',
  'fdatasync',
  'fsync',
  'rename',
  'unlink',
  'ftruncate',
  'openat',
] as const
export type DiskCall = (typeof DISK_CALLS)[number]

/** Runs Telegen so that calls fail, are late, or end it (strace's `inject`); what struck is written to `log`. */
export const injecting = (calls: readonly DiskCall[], what: string, log: string): readonly string[] => [
  'strace',
  '-f',
  // It makes all other calls cheap, and injects no signals.
  ...(what.startsWith('signal=') ? [] : ['--seccomp-bpf', '-e', 'signal=none']),
  '-qq',
  '-e',
  `trace=${calls.join(',')}`,
  '-e',
  `inject=${calls.join(',')}:${what}`,
  '-o',
  log,
]

/** Whether it was a signal of strace's that ended it. */
export const killedBy = (log: string): boolean =>
  existsSync(log) && readFileSync(log, 'utf8').includes('killed by SIGKILL')

/** How often it struck. */
export const injected = (log: string): number =>
  existsSync(log) ? (readFileSync(log, 'utf8').match(/\((?:INJECTED|DELAYED)\)/g)?.length ?? 0) : 0
