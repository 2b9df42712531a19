import type { Clock } from '../component/clock.ts'
import type { Exporter, SendResult } from '../component/definition.ts'
import type { Delivery } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'
import { patienceOf } from '../component/sending-options.ts'
import type { SendingOptions } from '../component/sending-options.ts'
import type { StatusReporter } from '../component/status.ts'
import { backoff } from './backoff.ts'
import { Circuit } from './circuit.ts'
import { SILENCE, UnderWay } from './under-way.ts'

type Retrying = NonNullable<SendingOptions['retry']>

/** The longest wait between tries that the backend did not ask for: its return is noticed by then. */
const LONGEST_WAIT = 5_000
/** A transport that could not connect leaves the backend alone for almost as long, in milliseconds: what it is given meanwhile fails at once. */
const RECONNECTS = 4_000

/** The delivery was not sent because the sender leaves off: nobody refused it, and nobody has it. */
export class LeftOff extends Error {
  /** Why the last attempt failed, where there was one. */
  readonly last: Refused | undefined

  constructor(last?: Refused) {
    super(last?.message ?? 'stopped before it could be sent')
    this.name = 'LeftOff'
    this.last = last
  }
}

export interface AttemptsOptions {
  readonly exporter: Exporter
  readonly sending: SendingOptions
  readonly clock: Clock
  readonly status: StatusReporter
  /** Nobody waits any more: between tries, or for its turn. Attempts under way go on. */
  readonly leave: AbortSignal
  /** Ends attempts under way, too. */
  readonly abort: AbortSignal
  /** How much waits, for the status: `12 batches wait`. */
  readonly waiting: () => string
  /** Told of a send that does not settle although it was aborted. */
  readonly onStuck: () => void
  /** Told every `SILENCE` of a backend that gives no answer while something is under way: one more may try beside what hangs. */
  readonly onSilent: () => void
  /** Told of an answer after that. */
  readonly onAnswer: () => void
}

/** Told once: why it is over, a `Refused` or `LeftOff`, or undefined where the other side has taken it. */
export type Done = (failure: Refused | LeftOff | undefined, result: SendResult | void) => void

/** As `Done`, of one attempt. */
type Tried = (failure: Refused | LeftOff | undefined, result: SendResult | void, began: number) => void

/** All attempts of one sender: each delivery is tried until it works, may not be tried again, or has taken too long. */
export class Attempts {
  readonly circuit: Circuit
  readonly #options: AttemptsOptions
  readonly #underWay: UnderWay
  #isSilent = false

  constructor(options: AttemptsOptions) {
    const { exporter, sending, clock, abort, onStuck } = options
    this.#options = options
    this.circuit = new Circuit(clock)
    const onSilent = () => this.#silent()
    this.#underWay = new UnderWay({ exporter, clock, timeout: sending.timeout, abort, onStuck, onSilent })
  }

  /** `done` is called once, never before this returns. Most deliveries are taken at once, and for those no promise is made here. */
  persist(delivery: Delivery, done: Done): void {
    const { sending, abort } = this.#options
    if (!sending.retry?.enabled) return this.#once(delivery, done)
    if (this.circuit.isOpen || abort.aborted) return this.#goOn(delivery, undefined, undefined, done)
    this.#once(delivery, (failure, result, began) => {
      if (failure instanceof Refused && failure.retryable) this.#goOn(delivery, failure, began, done)
      else done(failure, result)
    })
  }

  /** Nothing is under way, and nothing comes any more. */
  rest(): void {
    this.#underWay.rest()
  }

  #goOn(delivery: Delivery, last: Refused | undefined, began: number | undefined, done: Done): void {
    void this.#settle(this.#again(delivery, last, began), done)
  }

  async #settle(again: Promise<SendResult | void>, done: Done): Promise<void> {
    let result: SendResult | void
    try {
      result = await again
    } catch (failure) {
      return done(failure as Refused | LeftOff)
    }
    done(undefined, result)
  }

  /** `last`: why the first attempt failed, which began at `began`; none was made where the circuit is open. Rejects with what is the end of it. */
  async #again(delivery: Delivery, last: Refused | undefined, began: number | undefined): Promise<SendResult | void> {
    const { sending } = this.#options
    const patience = patienceOf(sending)
    const retry = sending.retry as Retrying
    const waits = backoff(retry)
    let earliest = 0
    let tried = began
    for (;;) {
      if (last !== undefined && began !== undefined && tried !== undefined)
        earliest = this.#failed(last, retry, waits, tried, began + patience)
      const until = began === undefined || patience === 0 ? Infinity : began + patience
      await this.#turn(earliest, until, last)
      try {
        return await new Promise((resolve, reject) =>
          this.#once(delivery, (failure, result, at) => {
            tried = at
            began ??= at
            if (failure === undefined) resolve(result)
            else reject(failure)
          }),
        )
      } catch (error) {
        if (!(error instanceof Refused) || !error.retryable) throw error
        last = error
      }
    }
  }

  /** When the next try may be, after the one that began at `tried`. Throws where that is too late. */
  #failed(last: Refused, retry: Retrying, waits: ReturnType<typeof backoff>, tried: number, end: number): number {
    const { clock, sending } = this.#options
    const now = clock.monotonic()
    const asked = last.retry === 'never' ? 0 : (last.retry.after ?? 0)
    // Who tries while the circuit is open takes turns, so that it is the circuit's pace that counts and not the batch's.
    const due = this.circuit.isOpen ? retry.max_interval : waits.next().value
    const pace = Math.min(due, LONGEST_WAIT)
    const wait = Math.max(pace, asked)
    // What hung all the while that others were answered says nothing of the backend as it is now.
    if (!this.#underWay.hasAnsweredSince(tried)) {
      const isLate = last.code === 'deadline_exceeded'
      const since = isLate ? tried : Math.max(tried, now - pace + Math.min(pace, RECONNECTS))
      this.circuit.failed(since, pace, asked)
      this.#report(last)
    }
    if (patienceOf(sending) > 0 && now + wait > end) throw exhausted(last)
    return now + (this.circuit.isOpen ? asked : wait)
  }

  /** One attempt. Tells the circuit of an answer; of its absence `#failed` does, which knows how long will be waited. */
  #once(delivery: Delivery, tried: Tried): void {
    this.#underWay.begin(delivery, (thrown, result, began) => {
      if (thrown !== undefined) return tried(this.#notTaken(thrown), undefined, began)
      this.#answered()
      this.#options.status.ok()
      tried(undefined, result, began)
    })
  }

  #notTaken(thrown: unknown): Refused | LeftOff {
    const { sending, status, abort } = this.#options
    const refused = Refused.from(thrown)
    if (abort.aborted) {
      this.circuit.abandoned()
      return new LeftOff(refused)
    }
    if (!refused.retryable) {
      this.#answered()
      if (refused.code !== 'invalid_argument') status.recoverable(`sending failed: ${refused.message}`)
    } else if (!sending.retry?.enabled) this.#report(refused)
    return refused
  }

  /** Waits until `earliest`, and for the circuit, but no longer than `until`. */
  async #turn(earliest: number, until: number, last: Refused | undefined): Promise<void> {
    const { clock, leave } = this.#options
    if (last === undefined && !this.circuit.isOpen) {
      if (this.#options.abort.aborted) throw new LeftOff()
      return
    }
    const late = new AbortController()
    const timer = Number.isFinite(until)
      ? clock.after(until - clock.monotonic(), () => late.abort(new Error('too late')))
      : undefined
    const either = AbortSignal.any([leave, late.signal])
    try {
      for (;;) {
        const wait = earliest - clock.monotonic()
        if (wait <= 0) break
        await clock.sleep(wait, either)
      }
      await this.circuit.enter(either)
    } catch {
      throw late.signal.aborted ? exhausted(last as Refused) : new LeftOff(last)
    } finally {
      timer?.cancel()
    }
  }

  #answered(): void {
    this.#underWay.answered()
    this.circuit.answered()
    if (!this.#isSilent) return
    this.#isSilent = false
    this.#options.onAnswer()
  }

  #silent(): void {
    const { status, waiting, onSilent } = this.#options
    this.#isSilent = true
    status.recoverable(`no answer for ${SILENCE / 1000} s and more; ${waiting()}`)
    this.circuit.silent()
    onSilent()
  }

  #report(refused: Refused): void {
    const { status, waiting } = this.#options
    if (refused.code === 'invalid_argument') return
    const { isOpen, since } = this.circuit
    const more =
      isOpen && since !== undefined ? `; nothing gets through since ${new Date(since).toISOString()}, ${waiting()}` : ''
    status.recoverable(`sending failed: ${refused.message}${more}`)
  }
}

const exhausted = (last: Refused): Refused =>
  new Refused(`no more retries left: ${last.message}`, {
    code: last.code,
    retry: last.retry,
    cause: last,
    reason: 'retries_exhausted',
  })
