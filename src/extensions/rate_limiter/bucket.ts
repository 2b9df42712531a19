/**
 * Tokens that come in at a steady rate, up to a burst. It may be in debt: the size of a request is known only once it was let in, so it
 * is taken off afterwards, and what comes next waits until the debt is paid. So the rate holds on average, whatever single requests weigh.
 */
export class Bucket {
  /** Tokens a millisecond. */
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #at: number

  /** `rate` a second; `now` on a clock that never jumps, in milliseconds. */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#at = now
  }

  take(tokens: number, now: number): void {
    this.#tokens = this.#level(now) - tokens
    this.#at = now
  }

  /** Milliseconds until there are `least` tokens; nothing where there are. */
  wait(least: number, now: number): number {
    return Math.max(0, least - this.#level(now)) / this.#rate
  }

  /** Whether it is as good as a new one. */
  isFull(now: number): boolean {
    return this.#level(now) >= this.#burst
  }

  #level(now: number): number {
    return Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#rate)
  }
}
