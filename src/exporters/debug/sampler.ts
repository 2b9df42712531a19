import type { Clock } from '../../plugin.ts'

const TICK_MS = 1000

/** Lets the first few of each second pass, and then every so manieth. */
export class Sampler {
  readonly #clock: Clock
  readonly #initial: number
  readonly #thereafter: number
  #second = -1
  #seen = 0

  constructor(clock: Clock, initial: number, thereafter: number) {
    this.#clock = clock
    this.#initial = initial
    this.#thereafter = thereafter
  }

  passes(): boolean {
    const second = Math.floor(this.#clock.monotonic() / TICK_MS)
    if (second !== this.#second) {
      this.#second = second
      this.#seen = 0
    }
    const beyond = ++this.#seen - this.#initial
    return beyond <= 0 || (this.#thereafter > 0 && beyond % this.#thereafter === 0)
  }
}
