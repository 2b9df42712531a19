import { Observable } from 'rxjs'
import type { Subscriber } from 'rxjs'
import { Refused } from '../../plugin.ts'
import type { Body, Delivery, Ingress, Origin, Signal } from '../../plugin.ts'

/** Where both protocols hand in what they read. */
export class Intake {
  readonly signals: readonly Signal[]
  readonly #ingress: Ingress
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

  /** Waits for an open gate where senders are to wait, and throws the refusal where they are not. */
  async enterable(signal: Signal, bytes: number | undefined, abort: AbortSignal): Promise<void> {
    const refused = this.closed(signal, bytes)
    if (refused) throw refused
    if (this.#ingress.waits(signal)) await this.#ingress.ready(signal, abort)
  }

  reserve(signal: Signal, bytes: number) {
    return this.#ingress.reserve(signal, bytes)
  }

  /** Takes a request in, and settles when it is as safe as this receiver promises. Rejects with the `Refused`. */
  async take(signal: Signal, body: Body, origin: Origin, abort: AbortSignal): Promise<void> {
    const delivery = await this.#ingress.enter(signal, body, { origin, abort })
    // Asked for before it is emitted: a delivery that ends on its way has its outcome all the same.
    const reached = delivery.reached(this.#ingress.acknowledge)
    if (this.#subscriber) this.#subscriber.next(delivery)
    else delivery.end(NOT_RUNNING)
    await reached
  }
}

const NOT_RUNNING = new Refused('the receiver is starting or stopping', { code: 'unavailable', retry: {} })
