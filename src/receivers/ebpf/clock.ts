/** How often the distance between the clocks is measured anew: the wall clock is set and slewed. Nanoseconds. */
const MEASURE_EVERY = 30e9
/** Looks at the wall clock until it has gone on by a millisecond; more than this many means that it stands still. */
const MOST_LOOKS = 100_000
/** A measurement that took longer between two looks was interrupted, and is tried again so often. Nanoseconds. */
const INTERRUPTED = 20_000n
const TRIES = 3

export interface Clocks {
  /** CLOCK_MONOTONIC, nanoseconds. */
  monotonic(): bigint
  /** Milliseconds since 1970. */
  now(): number
}

const systemClocks: Clocks = { monotonic: () => process.hrtime.bigint(), now: () => Date.now() }

/**
 * Turns the kernel's time (CLOCK_MONOTONIC) into wall time. JavaScript knows the wall clock to a millisecond alone: its edge is waited for
 * (one millisecond at most, each half minute), which leaves an error of microseconds.
 */
export class KernelClock {
  readonly #clocks: Clocks
  #offset: bigint
  #measuredAt: number

  constructor(clocks: Clocks = systemClocks) {
    this.#clocks = clocks
    this.#offset = measure(clocks)
    this.#measuredAt = this.monotonic()
  }

  /** CLOCK_MONOTONIC as the kernel's events have it, nanoseconds. */
  monotonic(): number {
    return Number(this.#clocks.monotonic())
  }

  /** Nanoseconds since 1970 of a time of the kernel's. */
  wall(time: number): bigint {
    return BigInt(Math.round(time)) + this.#offset
  }

  /** To be called now and then, between events: times that belong together are turned by the same distance. */
  keep(now: number): void {
    if (now - this.#measuredAt < MEASURE_EVERY) return
    this.#offset = measure(this.#clocks)
    this.#measuredAt = now
  }
}

/** Nanoseconds from CLOCK_MONOTONIC to the wall clock. */
function measure(clocks: Clocks): bigint {
  let best: { offset: bigint; doubt: bigint } | undefined
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const found = edge(clocks)
    if (best === undefined || found.doubt < best.doubt) best = found
    if (best.doubt <= INTERRUPTED) break
  }
  return (best as { offset: bigint }).offset
}

/** The moment when the wall clock shows another millisecond lies between two looks: `doubt` apart. */
function edge(clocks: Clocks): { offset: bigint; doubt: bigint } {
  const first = clocks.now()
  let before = clocks.monotonic()
  for (let look = 0; look < MOST_LOOKS; look++) {
    const wall = clocks.now()
    const after = clocks.monotonic()
    if (wall !== first) return { offset: BigInt(wall) * 1_000_000n - after, doubt: after - before }
    before = after
  }
  return { offset: BigInt(first) * 1_000_000n - before, doubt: 1_000_000n }
}
