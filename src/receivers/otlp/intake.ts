import { Observable } from 'rxjs'
import type { Subscriber } from 'rxjs'
import { Refused } from '../../plugin.ts'
import type { Body, Delivery, Ingress, Origin, Signal, Slab } from '../../plugin.ts'

/** Whose sender may go away. A real signal is made where it is asked for: only who waits does. */
interface Abortable {
  readonly abort: AbortSignal
}

/** Where both protocols hand in what they read. */
export class Intake {
  readonly signals: readonly Signal[]
  readonly #ingress: Ingress
  readonly #stopped = new AbortController()
  #subscriber: Subscriber<Delivery> | undefined

  constructor(ingress: Ingress) {
    this.#ingress = ingress
    this.signals = ingress.signals
  }

  readonly deliveries = new Observable<Delivery>((subscriber) => {
    this.#subscriber = subscriber
    return () => (this.#subscriber = undefined)
  })

  /** Why a request of this size would not be taken now: asked before its body is read. Nothing where senders wait at the gate. */
  closed(signal: Signal, bytes?: number): Refused | undefined {
    if (!this.#subscriber) return NOT_RUNNING
    const refused = this.#ingress.closed(signal, bytes)
    return refused?.retryable && this.#ingress.waits(signal) ? undefined : refused
  }

  /**
   * Memory to begin to read a request into that is said to have so many bytes in all: where there would be none for them it is not begun.
   * Waits where senders are to wait, and throws the refusal where they are not.
   */
  async room(signal: Signal, bytes: number, all: number | undefined, abort: AbortSignal): Promise<Slab> {
    const needed = all ?? bytes
    for (;;) {
      const refused = this.closed(signal, needed)
      if (refused) throw refused
      try {
        return this.reserve(signal, bytes)
      } catch (full) {
        if (!(full instanceof Refused && full.retryable && this.#ingress.waits(signal))) throw full
        await this.#ingress.ready(signal, this.#patience(signal, abort), needed)
      }
    }
  }

  /** Whether senders are to wait for room instead of being refused. */
  waits(signal: Signal): boolean {
    return this.#ingress.waits(signal)
  }

  /** As `room`, where nobody waits. */
  roomNow(signal: Signal, bytes: number, all: number): Slab {
    // What is there at once is asked for when it is taken.
    const refused = bytes < all ? this.closed(signal, all) : undefined
    if (refused) throw refused
    if (!this.#subscriber) throw NOT_RUNNING
    return this.reserve(signal, bytes)
  }

  /** Memory for a request that is being read: it does not wait, as it holds what others may be waiting for. */
  reserve(signal: Signal, bytes: number): Slab {
    return this.#ingress.reserve(signal, bytes)
  }

  /**
   * Takes a request in. Undefined where it is then as safe as this receiver promises, else a promise that settles when it is. Throws or
   * rejects with the `Refused`. `counted` is told its items.
   */
  take(
    signal: Signal,
    body: Body,
    origin: Origin,
    request: Abortable,
    counted?: (items: number) => void,
  ): Promise<void> | undefined {
    if (this.#ingress.waits(signal)) return this.#enter(signal, body, origin, request, counted)
    return this.#emit(this.#ingress.admit(signal, body, origin), counted)
  }

  async #enter(
    signal: Signal,
    body: Body,
    origin: Origin,
    { abort }: Abortable,
    counted: ((items: number) => void) | undefined,
  ): Promise<void> {
    const patience = this.#patience(signal, abort)
    await this.#emit(await this.#ingress.enter(signal, body, { origin, abort: patience }), counted)
  }

  #emit(delivery: Delivery, counted: ((items: number) => void) | undefined): Promise<void> | undefined {
    counted?.(delivery.batch.items)
    const { acknowledge } = this.#ingress
    if (this.#subscriber) this.#subscriber.next(delivery)
    else delivery.end(NOT_RUNNING)
    return delivery.hasReached(acknowledge) ? undefined : delivery.reached(acknowledge)
  }

  /** Nobody waits at the gate any longer; who does is told to come again. */
  stop(): void {
    this.#stopped.abort(NOT_RUNNING)
  }

  /** How long a request waits at the gate: until its sender goes away, or the receiver stops. */
  #patience(signal: Signal, abort: AbortSignal): AbortSignal {
    return this.#ingress.waits(signal) ? AbortSignal.any([abort, this.#stopped.signal]) : abort
  }
}

const NOT_RUNNING = new Refused('the receiver is starting or stopping', { code: 'unavailable', retry: {} })
