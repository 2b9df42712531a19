/** What is counted in the worker and told to the main thread, by tracer: differences since the last time. */
export interface Counts {
  readonly events: readonly (readonly [tracer: string, events: number])[]
  readonly dropped: readonly ReasonCount[]
  readonly noted: readonly ReasonCount[]
}

export type ReasonCount = readonly [tracer: string, reason: string, amount: number]

/** Reasons are words of the code: more than these of one tracer would be a mistake of it, and are counted under one. */
const MOST_REASONS = 64
const OTHER = 'other'

/** What belongs to no tracer: bytes of the ring that nobody reads. */
export const NO_TRACER = 'none'

/** One tracer's counts. */
export class Tally {
  readonly tracer: string
  events = 0
  readonly #dropped = new Map<string, number>()
  readonly #noted = new Map<string, number>()

  constructor(tracer: string) {
    this.tracer = tracer
  }

  drop(reason: string, amount: number = 1): void {
    add(this.#dropped, reason, amount)
  }

  note(what: string, amount: number = 1): void {
    add(this.#noted, what, amount)
  }

  /** What came since it was taken last. */
  take(): { events: number; dropped: readonly ReasonCount[]; noted: readonly ReasonCount[] } {
    const { events } = this
    this.events = 0
    return { events, dropped: drained(this.tracer, this.#dropped), noted: drained(this.tracer, this.#noted) }
  }
}

/** Undefined where nothing came. */
export function takeCounts(tallies: readonly Tally[]): Counts | undefined {
  const taken = tallies.map((tally) => [tally.tracer, tally.take()] as const)
  const events = taken.flatMap(([tracer, counts]) => (counts.events > 0 ? [[tracer, counts.events] as const] : []))
  const dropped = taken.flatMap(([, counts]) => counts.dropped)
  const noted = taken.flatMap(([, counts]) => counts.noted)
  if (events.length + dropped.length + noted.length === 0) return undefined
  return { events, dropped, noted }
}

function add(counts: Map<string, number>, reason: string, amount: number): void {
  const known = counts.get(reason)
  const under = known === undefined && counts.size >= MOST_REASONS ? OTHER : reason
  counts.set(under, (counts.get(under) ?? 0) + amount)
}

function drained(tracer: string, counts: Map<string, number>): readonly ReasonCount[] {
  if (counts.size === 0) return []
  const taken = [...counts].map(([reason, amount]) => [tracer, reason, amount] as const)
  counts.clear()
  return taken
}
