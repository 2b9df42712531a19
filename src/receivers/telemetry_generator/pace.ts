import type { Clock } from '../../plugin.ts'

/** Milliseconds that may be made up for after a hold-up; what would have been made before is left out. */
const MOST_BEHIND = 1_000

/** When requests are due, at so many a second. */
export class Pace {
  readonly #clock: Clock
  /** Milliseconds from request to request. */
  readonly #interval: number
  #due: number

  constructor(clock: Clock, requestsPerSecond: number) {
    this.#clock = clock
    this.#interval = 1000 / requestsPerSecond
    this.#due = clock.monotonic()
  }

  /** Resolves when the next request is due, to how many before it have been left out because it was much too late for them. */
  async next(abort: AbortSignal): Promise<number> {
    const wait = this.#due - this.#clock.monotonic()
    if (wait > 0) await this.#clock.sleep(Math.ceil(wait), abort)
    const behind = this.#clock.monotonic() - this.#due - MOST_BEHIND
    const late = behind > 0 ? Math.floor(behind / this.#interval) : 0
    this.#due += (late + 1) * this.#interval
    return late
  }
}
