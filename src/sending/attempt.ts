import type { Chain, Linked } from '../component/chain.ts'
import { Cancellation } from '../component/cancellation.ts'
import type { Abort } from '../component/cancellation.ts'
import type { Clock, Timer } from '../component/clock.ts'
import type { Exporter, SendOptions, SendResult } from '../component/definition.ts'
import type { Delivery, Origin } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'

/** How long an aborted send may take to let go before it is left behind, in milliseconds. */
const GRACE = 5_000

/** Told once how an attempt ended: either what was thrown, or nothing, and what the backend said. */
export type AttemptEnd = (attempt: Attempt, thrown: unknown, result: SendResult | void) => void

/**
 * One call of `send`. There is one for each request, so it is all that `send` is given, too. The batch stays retained until the
 * exporter's promise settles, even where that is long after the attempt was given up: the transport may still read the bytes.
 */
export class Attempt implements SendOptions, Linked<Attempt> {
  /** On the monotonic clock. */
  readonly began: number
  readonly delivery: Delivery
  readonly #cancellation = new Cancellation()
  readonly #ended: AttemptEnd
  #grace: Timer | undefined
  #isOver = false
  /** Of those that are under way. */
  chain: Chain<Attempt> | undefined
  next: Attempt | undefined
  previous: Attempt | undefined

  constructor(delivery: Delivery, began: number, ended: AttemptEnd) {
    this.delivery = delivery
    this.began = began
    this.#ended = ended
  }

  get origin(): Origin {
    return this.delivery.origin
  }

  get cancellation(): Abort {
    return this.#cancellation
  }

  get abort(): AbortSignal {
    return this.#cancellation.signal
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Once. */
  send(exporter: Exporter): void {
    const batch = this.delivery.batch.retain()
    called(exporter, this).then(
      (result) => {
        batch.release()
        this.#end(undefined, result)
      },
      (error: unknown) => {
        batch.release()
        this.#end(
          this.#cancellation.aborted && !(error instanceof Refused) ? this.#cancellation.reason : reasonOf(error),
        )
      },
    )
  }

  /** Tells the transport to let go; it is left behind where it does not, which `onStuck` is told of. */
  cancel(reason: Error, clock: Clock, onStuck: () => void): void {
    if (this.#isOver || this.#cancellation.aborted) return
    this.#grace = clock.after(GRACE, () => {
      onStuck()
      this.#end(reason)
    })
    this.#cancellation.abort(reason)
  }

  #end(thrown: unknown, result?: SendResult | void): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#grace?.cancel()
    this.#ended(this, thrown, result)
  }
}

/** Something, whatever was thrown. */
const reasonOf = (thrown: unknown): unknown => thrown ?? new Error(String(thrown))

/** So that a throw before the first await is a rejection like any other, and whatever a plugin returns a promise. */
function called(exporter: Exporter, attempt: Attempt): Promise<SendResult | void> {
  try {
    return Promise.resolve(exporter.send(attempt.delivery.batch, attempt))
  } catch (error) {
    return Promise.reject(error)
  }
}
