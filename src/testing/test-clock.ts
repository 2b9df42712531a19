import type { Clock, Timer } from '../component/clock.ts'

interface Due {
  readonly run: () => void
  readonly interval: number | undefined
  at: number
}

/** Turns of the event loop that `advance` gives to promises after each timer. */
const TURNS = 3

/** A clock that stands still until the test turns it. */
export class TestClock implements Clock {
  readonly #epoch: number
  readonly #due = new Set<Due>()
  #elapsed = 0

  /** `epoch`: what `now()` begins with, milliseconds since the Unix epoch. */
  constructor(epoch: number = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#due.size
  }

  now(): number {
    return this.#epoch + this.#elapsed
  }

  nowNano(): bigint {
    return BigInt(this.now()) * 1_000_000n
  }

  monotonic(): number {
    return this.#elapsed
  }

  after(delay: number, run: () => void): Timer {
    return this.#add({ run, interval: undefined, at: this.#elapsed + delay })
  }

  every(interval: number, run: () => void): Timer {
    return this.#add({ run, interval, at: this.#elapsed + interval })
  }

  sleep(delay: number, abort?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (abort?.aborted) return reject(abort.reason as Error)
      const timer = this.after(delay, resolve)
      abort?.addEventListener('abort', () => {
        timer.cancel()
        reject(abort.reason as Error)
      })
    })
  }

  /** Turns the clock by `time` milliseconds, running what falls due in order and letting promises settle in between. */
  async advance(time: number): Promise<void> {
    const end = this.#elapsed + time
    await settle()
    for (let due = this.#next(end); due; due = this.#next(end)) {
      this.#run(due)
      await settle()
    }
    this.#elapsed = end
  }

  /** The same at once: promises settle after it. */
  turn(time: number): void {
    const end = this.#elapsed + time
    for (let due = this.#next(end); due; due = this.#next(end)) this.#run(due)
    this.#elapsed = end
  }

  #run(due: Due): void {
    this.#elapsed = Math.max(this.#elapsed, due.at)
    if (due.interval === undefined) this.#due.delete(due)
    else due.at += due.interval
    due.run()
  }

  #next(end: number): Due | undefined {
    let first: Due | undefined
    for (const due of this.#due) if (due.at <= end && (first === undefined || due.at < first.at)) first = due
    return first
  }

  #add(due: Due): Timer {
    this.#due.add(due)
    return { cancel: () => void this.#due.delete(due) }
  }
}

/** Lets promises that are ready go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
