import { Subject } from 'rxjs'
import type { OperatorFunction, Subscription } from 'rxjs'
import type { Clock, Timer } from '../component/clock.ts'
import type { Delivery } from '../component/delivery.ts'
import { DeliveryNode } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import type { Sink } from '../sending/sink.ts'
import { NOWHERE } from './nowhere.ts'
import type { StageOwner } from './stage-owner.ts'
import { aborted } from './within.ts'

/** Waits before an operator that failed is subscribed to again, in milliseconds: doubled each time, reset by a minute of work. */
const FIRST_RESTART = 100
const LAST_RESTART = 30_000
const WELL_AFTER = 60_000

/**
 * A component's operator, guarded: what goes in is known to be with it until it comes out, is turned into others that come
 * out, or ends. When it errors, throws or completes too early, everything inside is refused, its status says so, and it
 * is subscribed to afresh after a pause, during which what comes is refused.
 */
export class OperatorStage implements Sink {
  /** Where what comes out goes. Set anew when the neighbourhood changes. */
  output: Sink = NOWHERE
  readonly #owner: StageOwner
  readonly #operator: OperatorFunction<Delivery, Delivery>
  readonly #clock: Clock
  readonly #done = Promise.withResolvers<void>()
  #input: Subject<Delivery> | undefined
  #subscription: Subscription | undefined
  #restart: Timer | undefined
  #pause = FIRST_RESTART
  #since = 0
  #completing = false
  #over = false

  /** Subscribes at once. */
  constructor(owner: StageOwner, operator: OperatorFunction<Delivery, Delivery>, clock: Clock) {
    this.#owner = owner
    this.#operator = operator
    this.#clock = clock
    this.#connect()
  }

  take(delivery: Delivery): void {
    const node = delivery as DeliveryNode
    const { items } = delivery.batch
    node.hold(this.#owner)
    if (this.#completing) return node.end(this.#refused(`${this.#owner.name} has stopped`))
    const input = this.#input
    if (input === undefined) return node.end(this.#refused(`${this.#owner.name} is being restarted`))
    const { troubles } = this.#owner
    const began = performance.now()
    input.next(delivery)
    if (this.#input === input) this.#owner.worked(performance.now() - began, items, 0, troubles)
  }

  /** No more comes: it flushes what it holds. What it still has when the deadline aborts is refused. */
  async complete(deadline: AbortSignal): Promise<void> {
    this.#completing = true
    this.#restart?.cancel()
    if (this.#input) this.#input.complete()
    else this.#done.resolve()
    if (!deadline.aborted) await Promise.race([this.#done.promise, aborted(deadline, this.#done.promise)])
    this.#over = true
    this.#subscription?.unsubscribe()
    this.#refuseHeld(`${this.#owner.name} has stopped`)
  }

  #failed(error: unknown): void {
    if (this.#over) return
    this.#input = undefined
    this.#subscription?.unsubscribe()
    const reason = error instanceof Error ? error.message : String(error)
    this.#owner.failed(reason, error)
    this.#refuseHeld(`${this.#owner.name} failed: ${reason}`, error)
    if (this.#completing) return this.#done.resolve()
    if (this.#clock.monotonic() - this.#since > WELL_AFTER) this.#pause = FIRST_RESTART
    this.#restart = this.#clock.after(this.#pause, () => this.#connect())
    this.#pause = Math.min(this.#pause * 2, LAST_RESTART)
  }

  #connect(): void {
    const input = new Subject<Delivery>()
    this.#input = input
    this.#since = this.#clock.monotonic()
    try {
      this.#subscription = this.#operator(input).subscribe({
        next: (delivery) => this.#emit(delivery),
        error: (error) => this.#failed(error),
        complete: () => this.#completed(),
      })
    } catch (error) {
      this.#failed(error)
    }
  }

  #emit(delivery: Delivery): void {
    if (!(delivery instanceof DeliveryNode) || delivery.holder !== this.#owner)
      return this.#owner.misuse('emitted a delivery that it does not hold')
    const { signal } = delivery.batch
    if (signal !== this.#owner.emits) {
      const misuse = `emitted ${signal} where ${this.#owner.emits} are due`
      this.#owner.misuse(misuse)
      return delivery.end(new Refused(`${this.#owner.name} ${misuse}`, { code: 'internal', retry: 'never' }))
    }
    delivery.hold(undefined)
    this.#owner.left(delivery.batch.items)
    this.output.take(delivery)
  }

  #completed(): void {
    if (!this.#completing) return this.#failed(new Error('its stream completed although data still comes'))
    this.#refuseHeld(`${this.#owner.name} ended without flushing`)
    this.#done.resolve()
  }

  #refuseHeld(message: string, cause?: unknown): void {
    for (const node of this.#owner.held) node.end(this.#refused(message, cause))
  }

  #refused(message: string, cause?: unknown): Refused {
    return new Refused(message, { code: 'unavailable', retry: {}, cause })
  }
}
