import type { Place } from './place.ts'

/** Something wrong with a configuration. Faults are collected and shown together, never thrown one by one. */
export interface Fault {
  readonly severity: 'error' | 'warning' | 'info'
  /** Stable, for programs: `unknown_key`. */
  readonly code: string
  /** The Collector's sentence where it has one, so that a search for it finds the same answers. */
  readonly message: string
  /** `service::pipelines::traces`; empty where the fault is about a source as a whole. */
  readonly path: string
  readonly place: Place
  /** What would help. */
  readonly hint?: string
  /** True where the line holds a value that must not be printed. */
  readonly secret?: boolean
}

type Details = Omit<Fault, 'severity' | 'hint' | 'secret'> & {
  readonly hint?: string | undefined
  readonly secret?: boolean
}

export const error = (details: Details): Fault => fault('error', details)
/** It runs, and somebody should look at it. */
export const warning = (details: Details): Fault => fault('warning', details)
/** Worth knowing; nothing to do. */
export const info = (details: Details): Fault => fault('info', details)

/** Carries a fault out of nested calls to the one place that collects it. */
export class FaultError extends Error {
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.message)
    this.name = 'FaultError'
    this.fault = fault
  }
}

/** Sorted by source in the order given, then by line, column, code and message: the same file always reads the same. */
export function inOrder(faults: readonly Fault[], sources: readonly string[]): Fault[] {
  const rank = (fault: Fault): number => {
    const index = sources.indexOf(fault.place.source)
    return index === -1 ? sources.length : index
  }
  return [...faults].sort(
    (left, right) =>
      rank(left) - rank(right) ||
      order(left.place.source, right.place.source) ||
      left.place.line - right.place.line ||
      left.place.column - right.place.column ||
      order(left.code, right.code) ||
      order(left.message, right.message),
  )
}

const order = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

const fault = (severity: Fault['severity'], { hint, secret, ...details }: Details): Fault => ({
  severity,
  ...details,
  ...(hint !== undefined && { hint }),
  ...(secret && { secret }),
})
