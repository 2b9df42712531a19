import { Chain } from '../component/chain.ts'
import type { Clock, Timer } from '../component/clock.ts'
import type { Exporter, SendResult } from '../component/definition.ts'
import type { Delivery } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'
import { Attempt } from './attempt.ts'

/** How long a backend may say nothing before that is worth telling, in milliseconds. */
export const SILENCE = 5_000
/** Timers come early by as much as the loop was late when they were set, in milliseconds. */
const EARLY = 250

export interface UnderWayOptions {
  readonly exporter: Exporter
  readonly clock: Clock
  /** Of one attempt, in milliseconds; 0 means for ever. */
  readonly timeout: number
  /** Fires at the drain deadline. */
  readonly abort: AbortSignal
  /** Told of a send that does not settle although it was aborted. */
  readonly onStuck: () => void
  /** Told every `SILENCE` while the backend gives no answer to what is under way. */
  readonly onSilent: () => void
}

/** `thrown` undefined where the other side has taken it. */
export type Ended = (thrown: unknown, result: SendResult | void, began: number) => void

/** The attempts of one sender that are under way. They share one timer: all may take as long, so the oldest is due first. */
export class UnderWay {
  readonly #options: UnderWayOptions
  /** In the order in which they began. */
  readonly #waiting = new Chain<Attempt>()
  /** Those that have been told to let go, likewise. */
  readonly #overdue = new Chain<Attempt>()
  #timer: Timer | undefined
  #answeredAt = -Infinity
  /** When the absence of one was told last. */
  #toldAt = -Infinity

  constructor(options: UnderWayOptions) {
    this.#options = options
    options.abort.addEventListener('abort', () => this.#drain(), { once: true })
  }

  /** `ended` is called once, never before this returns. */
  begin(delivery: Delivery, ended: Ended): void {
    const { clock, exporter, abort } = this.#options
    const attempt = new Attempt(delivery, clock.monotonic(), (over, thrown, result) => {
      this.#ended(over)
      ended(thrown, result, over.began)
    })
    this.#waiting.add(attempt)
    if (this.#timer === undefined) this.#schedule(attempt.began)
    if (abort.aborted) this.#cancel(attempt, drained())
    attempt.send(exporter)
  }

  /** Nothing more is sent: the timer goes, which stays while there is but nothing under way, as more comes before it is due. */
  rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** The backend has answered something. */
  answered(): void {
    this.#answeredAt = this.#options.clock.monotonic()
  }

  /** Whether it has after that moment, on the monotonic clock. */
  hasAnsweredSince(moment: number): boolean {
    return this.#answeredAt > moment
  }

  #ended(attempt: Attempt): void {
    if (!this.#waiting.delete(attempt)) this.#overdue.delete(attempt)
  }

  #cancel(attempt: Attempt, reason: Refused): void {
    const { clock, onStuck } = this.#options
    if (this.#waiting.delete(attempt)) this.#overdue.add(attempt)
    attempt.cancel(reason, clock, onStuck)
  }

  #drain(): void {
    for (const attempt of [...this.#waiting, ...this.#overdue]) this.#cancel(attempt, drained())
  }

  get #oldest(): Attempt | undefined {
    return this.#overdue.first ?? this.#waiting.first
  }

  /** Since when there has been nothing to tell, where `oldest` is under way. */
  #quietSince(oldest: Attempt): number {
    return Math.max(oldest.began, this.#answeredAt, this.#toldAt)
  }

  /** Sets the timer: for the next that is to expire, or for when there is a silence to tell. */
  #schedule(now: number): void {
    const { clock, timeout } = this.#options
    const oldest = this.#oldest
    if (oldest === undefined) return
    const silent = this.#quietSince(oldest) + SILENCE
    const { first } = this.#waiting
    // What begins later may be due before those that are only waited for to let go.
    const expires = timeout === 0 ? Infinity : (first?.began ?? now) + timeout
    this.#timer = clock.after(Math.min(silent, expires) - now, () => this.#look())
  }

  #look(): void {
    const now = this.#options.clock.monotonic()
    this.#timer = undefined
    this.#expire(now)
    const oldest = this.#oldest
    const isSilent = oldest !== undefined && now - this.#quietSince(oldest) >= SILENCE - EARLY
    if (isSilent) this.#toldAt = now
    this.#schedule(now)
    if (isSilent) this.#options.onSilent()
  }

  #expire(now: number): void {
    const { timeout } = this.#options
    if (timeout === 0) return
    for (
      let { first } = this.#waiting;
      first !== undefined && first.began + timeout <= now;
      { first } = this.#waiting
    ) {
      const attempt = first
      this.#waiting.delete(attempt)
      this.#overdue.add(attempt)
      afterReading(() => this.#cancel(attempt, timedOut(timeout)))
    }
  }
}

/**
 * Where the process stood still, timers are due before anything is read of what has come meanwhile: an answer that is there counts,
 * or a busy moment would have everything sent twice.
 */
const afterReading = (run: () => void): void => void setImmediate(() => setImmediate(run))

const timedOut = (timeout: number): Refused =>
  new Refused(`the attempt took longer than ${timeout} ms`, { code: 'deadline_exceeded', retry: {} })
const drained = (): Refused => new Refused('stopped before the backend answered', { code: 'unavailable', retry: {} })
