import { MAX_DELAY } from '../../component/clock.ts'

/** Looks are at least so far apart, in milliseconds. */
const LEAST = 5

/** One timer for whatever is due some time: who has it looks at all of them. Times on the clock of `performance.now()`. */
export class Ticker {
  readonly #look: (now: number) => void
  #at = Infinity
  #timer: NodeJS.Timeout | undefined

  /** `look` says when it wants to look again by `due`. */
  constructor(look: (now: number) => void) {
    this.#look = look
  }

  due(at: number): void {
    if (at >= this.#at) return
    this.#at = at
    clearTimeout(this.#timer)
    const delay = Math.ceil(at - performance.now())
    this.#timer = setTimeout(this.#run, Math.min(MAX_DELAY, Math.max(LEAST, delay))).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#at = -Infinity
  }

  readonly #run = (): void => {
    this.#at = Infinity
    this.#look(performance.now())
  }
}
