import type { Clock, Timer } from '../component/clock.ts'

/** Failed attempts in a row after which the backend is taken to be away. */
const OPENS_AFTER = 3

interface Waiter {
  readonly go: () => void
}

/**
 * Spares a backend that is away: after a few failures in a row one batch at a time tries whether it is back, and all others wait
 * without trying. The first answer lets all go on.
 */
export class Circuit {
  readonly #clock: Clock
  #failures = 0
  #since: number | undefined
  #nextTry = 0
  #isTrying = false
  #timer: Timer | undefined
  readonly #waiters: Waiter[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isOpen(): boolean {
    return this.#failures >= OPENS_AFTER
  }

  /** When the row of failures began, milliseconds since the Unix epoch. */
  get since(): number | undefined {
    return this.#since
  }

  /** Resolves when the caller may try; it must tell what became of that. Rejects with the signal's reason when aborted. */
  enter(abort: AbortSignal): Promise<void> {
    if (!this.isOpen) return Promise.resolve()
    if (abort.aborted) return Promise.reject(abort.reason as Error)
    return new Promise((resolve, reject) => {
      const go = () => {
        abort.removeEventListener('abort', leave)
        resolve()
      }
      const waiter: Waiter = { go }
      const leave = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        if (this.#waiters.length === 0) this.#cancel()
        reject(abort.reason as Error)
      }
      abort.addEventListener('abort', leave, { once: true })
      this.#waiters.push(waiter)
      this.#schedule()
    })
  }

  /** The backend answered, whatever it said. */
  answered(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#since = undefined
    this.#isTrying = false
    this.#nextTry = 0
    this.#cancel()
    for (const { go } of this.#waiters.splice(0)) go()
  }

  /**
   * It did not; the next try may come in `wait` milliseconds. One that is due already stays, or attempts that time out one by one would put it off
   * for ever: but for `asked`, the milliseconds that the backend itself wants to be left alone.
   */
  failed(wait: number, asked: number): void {
    const now = this.#clock.monotonic()
    this.#failures++
    this.#since ??= this.#clock.now()
    const isDue = this.#timer !== undefined || this.#nextTry > now
    this.#nextTry = isDue ? Math.max(this.#nextTry, now + asked) : now + wait
    this.#isTrying = false
    this.#cancel()
    this.#schedule()
  }

  /** Nobody knows: the attempt was called off, or hangs for so long that another one may try beside it. */
  abandoned(): void {
    this.#isTrying = false
    this.#schedule()
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(): void {
    if (!this.isOpen || this.#isTrying || this.#timer || this.#waiters.length === 0) return
    this.#timer = this.#clock.after(Math.max(0, this.#nextTry - this.#clock.monotonic()), () => {
      this.#timer = undefined
      const first = this.#waiters.shift()
      this.#isTrying = first !== undefined
      first?.go()
    })
  }
}
