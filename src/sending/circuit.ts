import type { Clock, Timer } from '../component/clock.ts'

/** Failed attempts in a row after which the backend is taken to be away. */
const OPENS_AFTER = 3
/** What is to time out when a silence is told does so first, in milliseconds: the transport hears by that that a connection is dead. */
const MOMENT = 250

interface Waiter {
  readonly go: () => void
}

/**
 * Spares a backend that is away: after a few failures in a row one batch at a time tries whether it is back, and all others wait
 * without trying; where the one hangs, another tries beside it. The first answer lets all go on.
 */
export class Circuit {
  readonly #clock: Clock
  #failures = 0
  #since: number | undefined
  /** When the last try began that is known of. */
  #lastTry = -Infinity
  /** How long after it the next may, in milliseconds. */
  #wait = 0
  /** Until then the backend wants to be left alone. */
  #askedUntil = -Infinity
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
    this.#askedUntil = -Infinity
    this.#cancel()
    for (const { go } of this.#waiters.splice(0)) go()
  }

  /**
   * It did not answer. The next try may come `wait` milliseconds after `since`, as a rule when this one began, but not before `asked` milliseconds from
   * now, for which the backend wants to be left alone. What began long ago and times out now puts off no other.
   */
  failed(since: number, wait: number, asked: number): void {
    this.#failures++
    this.#since ??= this.#clock.now()
    this.#lastTry = Math.max(this.#lastTry, since)
    this.#wait = wait
    if (asked > 0) this.#askedUntil = Math.max(this.#askedUntil, this.#clock.monotonic() + asked)
    this.abandoned()
  }

  /** The attempt was called off: nobody knows. */
  abandoned(): void {
    this.#isTrying = false
    this.#cancel()
    this.#schedule()
  }

  /** It hangs for so long that another may try beside it. */
  silent(): void {
    this.#isTrying = false
    this.#cancel()
    this.#schedule(MOMENT)
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(atLeast = 0): void {
    if (!this.isOpen || this.#isTrying || this.#timer || this.#waiters.length === 0) return
    const next = Math.max(this.#lastTry + this.#wait, this.#askedUntil)
    this.#timer = this.#clock.after(Math.max(atLeast, next - this.#clock.monotonic()), () => {
      this.#timer = undefined
      const first = this.#waiters.shift()
      if (first === undefined) return
      this.#isTrying = true
      this.#lastTry = this.#clock.monotonic()
      first.go()
    })
  }
}
