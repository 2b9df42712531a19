import { ConnectionError, ENHANCE_YOUR_CALM } from './frames.ts'

/** Frames that move nothing on (SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, of no known kind, too late …): so many at once, and so many a second. */
const IDLE_FRAMES = 10_000
const IDLE_FRAMES_A_SECOND = 1000

/**
 * Streams that the peer, or a fault that it made, ended before their time ("rapid reset", "made you reset"), headers that are none or too large
 * among them: so many at once, and so many a second.
 */
const CUTS = 900
const CUTS_A_SECOND = 30

/** What a peer may do at once, and what it may do again as time goes by and as it does something useful. */
export class Allowance {
  readonly #most: number
  readonly #rate: number
  readonly #reason: string
  #left: number
  #at: number

  /** `rate`: a second. `reason`: what the peer reads in the GOAWAY. */
  constructor(most: number, rate: number, reason: string, now: number) {
    this.#most = this.#left = most
    this.#rate = rate
    this.#reason = reason
    this.#at = now
  }

  /** Throws the `ConnectionError` when there is too little left. `now` in milliseconds on a clock that never jumps. */
  spend(cost: number, now: number): void {
    this.#left -= cost
    if (this.#left >= 0) return
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1000) * this.#rate)
    this.#at = now
    if (this.#left < 0) throw new ConnectionError(ENHANCE_YOUR_CALM, this.#reason)
  }

  earn(amount: number): void {
    this.#left = Math.min(this.#most, this.#left + amount)
  }
}

/** A fresh allowance of frames that move nothing on. */
export const idleFrames = (now: number): Allowance =>
  new Allowance(IDLE_FRAMES, IDLE_FRAMES_A_SECOND, 'too_many_idle_frames', now)

/** A fresh allowance of streams that end before their time. */
export const cuts = (now: number): Allowance => new Allowance(CUTS, CUTS_A_SECOND, 'too_many_resets', now)
