import type { Clock } from '../../src/component/clock.ts'

/** A clock that stands still until a test turns it. */
export class ManualClock implements Clock {
  #time = 1_700_000_000_000
  readonly #timers = new Set<{ due: number; readonly run: () => void; readonly interval: number | undefined }>()

  now(): number {
    return this.#time
  }
  nowNano(): bigint {
    return BigInt(this.#time) * 1_000_000n
  }
  monotonic(): number {
    return this.#time
  }
  after(delay: number, run: () => void) {
    return this.#add(delay, run, undefined)
  }
  every(interval: number, run: () => void) {
    return this.#add(interval, run, interval)
  }
  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve))
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** Lets time pass, and runs what becomes due, in order. */
  turn(milliseconds: number): void {
    const end = this.#time + milliseconds
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#time = next.due
      if (next.interval === undefined) this.#timers.delete(next)
      else next.due += next.interval
      next.run()
    }
    this.#time = end
  }

  #next(end: number) {
    return [...this.#timers].filter(({ due }) => due <= end).sort((left, right) => left.due - right.due)[0]
  }

  #add(delay: number, run: () => void, interval: number | undefined) {
    const timer = { due: this.#time + delay, run, interval }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }
}
