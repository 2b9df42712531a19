import { EVENT_PROCESS, HEADER_BYTES, unsigned64 } from '../../event.ts'

/** `bpf/exec/event.h`: a test holds these to it. */
export const EVENT_EXECUTED = EVENT_PROCESS + 1
export const EVENT_EXITED = EVENT_PROCESS + 2
export const EVENT_FORKED = EVENT_PROCESS + 3

export const PATH_BYTES = 256
export const ARGUMENT_BYTES_MAX = 4096
const NAME_BYTES = 16

/** `struct process_executed`. */
export const EXECUTED = {
  start: HEADER_BYTES,
  age: 32,
  cgroup: 40,
  parent: 48,
  uid: 52,
  gid: 56,
  own_pid: 60,
  argument_bytes: 64,
  captured: 68,
  path_bytes: 70,
  interpreter_bytes: 72,
  name: 80,
  path: 96,
  interpreter: 96 + PATH_BYTES,
} as const
export const EXECUTED_BYTES = EXECUTED.interpreter + PATH_BYTES

/** `struct process_exited`. */
export const EXITED = {
  start: HEADER_BYTES,
  age: 32,
  run_time: 40,
  user_time: 48,
  system_time: 56,
  peak_pages: 64,
  parent: 72,
  exit_code: 76,
  name: 80,
} as const
export const EXITED_BYTES = 96

/** `struct process_forked`. */
export const FORKED = { start: HEADER_BYTES, parent: 32, name: 40 } as const
export const FORKED_BYTES = 56

const NANOSECONDS_PER_TICK = 10_000_000

/** Clock ticks from boot, as `/proc/PID/stat` counts them; the same place in all three. */
export const startOf = (event: Buffer, at: number): number =>
  Math.floor(unsigned64(event, at + HEADER_BYTES) / NANOSECONDS_PER_TICK)

export const cgroupOf = (event: Buffer, at: number): bigint => event.readBigUInt64LE(at + EXECUTED.cgroup)

/** Text of at most `bytes`, up to the first zero. */
export function textAt(event: Buffer, at: number, bytes: number): string {
  const end = event.indexOf(0, at)
  return event.toString('utf8', at, end < 0 ? at + bytes : Math.min(end, at + bytes))
}

export const nameAt = (event: Buffer, at: number): string => textAt(event, at, NAME_BYTES)

/** Arguments that were captured; of those that were not captured whole, the last is left out: half a secret is not known as one. */
export function argumentsOf(
  event: Buffer,
  at: number,
): { readonly values: readonly string[]; readonly isWhole: boolean } {
  const captured = event.readUInt16LE(at + EXECUTED.captured)
  const isWhole = captured >= event.readUInt32LE(at + EXECUTED.argument_bytes)
  const from = at + EXECUTED_BYTES
  const values = event.toString('utf8', from, from + captured).split('\0')
  // What stands after the last zero: nothing, or what was cut.
  if (!isWhole || values.at(-1) === '') values.pop()
  return { values, isWhole }
}
