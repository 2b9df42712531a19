import type { Clock } from '../component/clock.ts'
import type { Exporter, SendResult } from '../component/definition.ts'
import type { Delivery } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'
import { patienceOf } from '../component/sending-options.ts'
import type { SendingOptions } from '../component/sending-options.ts'
import type { StatusReporter } from '../component/status.ts'
import { attempt, SILENCE } from './attempt.ts'
import { backoff } from './backoff.ts'
import { Circuit } from './circuit.ts'

/** The longest wait between tries that the backend did not ask for: its return is noticed by then. */
const LONGEST_WAIT = 5_000

/** Timers come early by as much as the loop was late when they were set, in milliseconds. */
const EARLY = 250

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

/** All attempts of one sender: each delivery is tried until it works, may not be tried again, or has taken too long. */
export class Attempts {
  readonly circuit: Circuit
  readonly #options: AttemptsOptions
  /** When there was an answer, or its absence was told. */
  #answeredAt: number
  #isSilent = false

  constructor(options: AttemptsOptions) {
    this.#options = options
    this.circuit = new Circuit(options.clock)
    this.#answeredAt = options.clock.monotonic()
  }

  /** Rejects with the `Refused` that is the end of it, or `LeftOff`. */
  async persist(delivery: Delivery): Promise<SendResult | void> {
    const { retry } = this.#options.sending
    if (!retry?.enabled) return this.#once(delivery)
    const { clock, sending } = this.#options
    const patience = patienceOf(sending)
    const waits = backoff(retry)
    let last: Refused | undefined
    let began: number | undefined
    let earliest = 0
    for (;;) {
      const until = began === undefined || patience === 0 ? Infinity : began + patience
      await this.#turn(earliest, until, last)
      began ??= clock.monotonic()
      try {
        return await this.#once(delivery)
      } catch (error) {
        if (!(error instanceof Refused) || !error.retryable) throw error
        last = error
      }
      const asked = last.retry === 'never' ? 0 : (last.retry.after ?? 0)
      // Who tries while the circuit is open takes turns, so that it is the circuit's pace that counts and not the batch's.
      const due = this.circuit.isOpen ? retry.max_interval : waits.next().value
      const wait = Math.max(Math.min(due, LONGEST_WAIT), asked)
      this.circuit.failed(wait)
      this.#report(last)
      if (patience > 0 && clock.monotonic() + wait > began + patience) throw exhausted(last)
      earliest = clock.monotonic() + (this.circuit.isOpen ? asked : wait)
    }
  }

  /** One attempt. Tells the circuit of an answer; of its absence `persist` does, who knows how long it will wait. */
  async #once(delivery: Delivery): Promise<SendResult | void> {
    const { exporter, sending, clock, status, abort, onStuck } = this.#options
    try {
      const { timeout } = sending
      const onSilent = () => this.#silent()
      const result = await attempt(exporter, delivery, { clock, timeout, abort, onStuck, onSilent })
      this.#answered()
      status.ok()
      return result
    } catch (error) {
      const refused = Refused.from(error)
      if (abort.aborted) {
        this.circuit.abandoned()
        throw new LeftOff(refused)
      }
      if (!refused.retryable) {
        this.#answered()
        if (refused.code !== 'invalid_argument') status.recoverable(`sending failed: ${refused.message}`)
      } else if (!sending.retry?.enabled) this.#report(refused)
      throw refused
    }
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
    this.#answeredAt = this.#options.clock.monotonic()
    this.circuit.answered()
    if (!this.#isSilent) return
    this.#isSilent = false
    this.#options.onAnswer()
  }

  #silent(): void {
    const { clock, status, waiting, onSilent } = this.#options
    const now = clock.monotonic()
    if (now - this.#answeredAt < SILENCE - EARLY) return
    // Many attempts that began together tell it together.
    this.#answeredAt = now
    this.#isSilent = true
    status.recoverable(`no answer for ${SILENCE / 1000} s and more; ${waiting()}`)
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
