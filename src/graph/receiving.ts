import type { Observable, Subscription } from 'rxjs'
import type { Clock, Timer } from '../component/clock.ts'
import type { Receiver } from '../component/definition.ts'
import { DISCARDED } from '../component/delivery.ts'
import type { Delivery } from '../component/delivery.ts'
import { DeliveryNode } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import type { StatusReporter } from '../component/status.ts'
import type { Signal } from '../data/signal.ts'
import type { Sink } from '../sending/sink.ts'
import type { Drops } from './drops.ts'
import type { ReceiverIngress } from './receiver-ingress.ts'
import { within } from './within.ts'

/** Waits before a receiver whose stream failed is subscribed to again, in milliseconds. */
const FIRST_RESTART = 100
const LAST_RESTART = 30_000
/** How long after the last refusal a receiver is well again, in milliseconds. */
const CALM = 5_000

export interface ReceivingOptions {
  readonly id: string
  readonly receiver: Receiver
  readonly ingress: ReceiverIngress
  readonly clock: Clock
  readonly status: StatusReporter
  readonly drops: Drops
}

/** A receiver that runs: its stream is routed into the pipelines, and subscribed to again when it fails. */
export class Receiving {
  /** Where each signal goes. Set anew when pipelines change. */
  outlets: ReadonlyMap<Signal, Sink> = new Map()
  readonly #options: ReceivingOptions
  #subscription: Subscription | undefined
  #restart: Timer | undefined
  #pause = FIRST_RESTART
  #troubled = false
  #calm: Timer | undefined
  #refusedAt = 0
  #stopping = false

  constructor(options: ReceivingOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#subscribe(await this.#options.receiver.open())
  }

  /** Rejects where the receiver does not close; nothing more comes from it all the same. */
  async stop(deadline: AbortSignal): Promise<void> {
    const { receiver, ingress, clock } = this.#options
    this.#stopping = true
    try {
      await within(deadline, clock, () => receiver.close(deadline))
    } finally {
      this.#restart?.cancel()
      this.#calm?.cancel()
      this.#subscription?.unsubscribe()
      ingress.stop()
    }
  }

  /** The gate refused: shows in the receiver's status while it keeps refusing. */
  gate(refused: Refused): void {
    if (this.#stopping) return
    const { clock, status, drops, id } = this.#options
    this.#refusedAt = clock.monotonic()
    status.recoverable(`refusing data: ${refused.message}`)
    drops.warn(
      `${id} gate ${refused.message}`,
      'Refusing data; senders are told to try again',
      { receiver: id, error: refused.message },
      1,
    )
    this.#calm ??= clock.after(CALM, () => this.#calmed())
  }

  /** The receiver did something with a delivery that nobody may do. */
  misuse(what: string): void {
    const { id, status, drops } = this.#options
    this.#troubled = true
    status.recoverable(what)
    drops.warn(`${id} ${what}`, `A receiver ${what}`, { receiver: id }, 0)
  }

  #calmed(): void {
    const { clock, status } = this.#options
    const left = this.#refusedAt + CALM - clock.monotonic()
    this.#calm = left > 0 ? clock.after(left, () => this.#calmed()) : undefined
    if (!this.#calm) status.ok()
  }

  #subscribe(stream: Observable<Delivery>): void {
    this.#subscription = stream.subscribe({
      next: (delivery) => this.#route(delivery),
      error: (error: unknown) => this.#failed(stream, error),
      complete: () => {
        if (!this.#stopping) this.#options.status.permanent('its stream has ended')
      },
    })
  }

  #route(delivery: Delivery): void {
    const { ingress } = this.#options
    if (!(delivery instanceof DeliveryNode) || delivery.holder !== ingress)
      return this.misuse('emitted something that its ingress did not make, or that it had emitted already')
    const sink = this.outlets.get(delivery.batch.signal)
    if (sink === undefined) {
      const misuse = `emitted ${delivery.batch.signal}, for which it stands in no pipeline`
      this.misuse(misuse)
      return delivery.end(new Refused(`${ingress.name} ${misuse}`, { code: 'internal', retry: 'never' }))
    }
    delivery.hold(undefined)
    this.#recovered()
    if (delivery.batch.items === 0) delivery.end(DISCARDED)
    else sink.take(delivery)
  }

  #recovered(): void {
    if (!this.#troubled) return
    this.#troubled = false
    this.#pause = FIRST_RESTART
    this.#options.status.ok()
  }

  #failed(stream: Observable<Delivery>, error: unknown): void {
    if (this.#stopping) return
    const { clock, status, drops, id } = this.#options
    const reason = error instanceof Error ? error.message : String(error)
    status.recoverable(`its stream failed: ${reason}`)
    drops.warn(`${id} stream`, 'A receiver failed; it is subscribed to again', { receiver: id, error }, 0)
    this.#troubled = true
    this.#restart = clock.after(this.#pause, () => this.#subscribe(stream))
    this.#pause = Math.min(this.#pause * 2, LAST_RESTART)
  }
}
