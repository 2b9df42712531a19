import { constants } from 'node:os'

const NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))
// Two names of one number: the one that wait(2) and bash use.
NAMES.set(constants.signals.SIGABRT, 'SIGABRT')

/** A program that ends by one of these has done something that it must not. */
const FAULTS = new Set(['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGSYS'])

/** `SIGKILL`; real-time signals by their number: `SIG34`. */
export const signalName = (signal: number): string => NAMES.get(signal) ?? `SIG${signal}`

export const isFault = (signal: string): boolean => FAULTS.has(signal)

/** How a process ended, as wait(2) has it. */
export type Ending =
  { readonly kind: 'exited'; readonly code: number } | { readonly kind: 'killed'; readonly signal: string }

export function ending(status: number): Ending {
  const signal = status & 0x7f
  return signal === 0 ? { kind: 'exited', code: (status >>> 8) & 0xff } : { kind: 'killed', signal: signalName(signal) }
}
