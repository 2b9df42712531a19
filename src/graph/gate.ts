import { Refused } from '../component/refused.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import type { Signal } from '../data/signal.ts'
import type { Room } from '../sending/sink.ts'

/** How long a sender that was refused should wait, in milliseconds. */
const COME_BACK = 1_000

/**
 * Where one receiver's signal enters: closed while the signal's budget or a queue downstream has no room. The only place
 * in the graph where anything is refused for lack of room, or waits for it.
 */
export class Gate {
  readonly signal: Signal
  readonly budget: ByteBudget
  #rooms: readonly Room[] = []
  readonly #waiters: (() => void)[] = []
  #unwatch: (() => void)[] = []
  /** Waiters that the last change has not reached yet. */
  #round = 0
  #turning = false
  #stopped: Refused | undefined

  constructor(signal: Signal, budget: ByteBudget) {
    this.signal = signal
    this.budget = budget
  }

  /** These queues are downstream from now on. Whoever waits looks again. */
  guard(rooms: readonly Room[]): void {
    if (this.#stopped) return
    this.#unwatchAll()
    this.#rooms = rooms
    const wake = () => this.#wake()
    this.#unwatch = [this.budget.onGiven(wake), ...rooms.map((room) => room.onRoom(wake))]
    wake()
  }

  /** Whether a queue downstream wants receivers to wait instead of refusing. */
  get blocks(): boolean {
    return this.#rooms.some((room) => room.blocks)
  }

  /** Why a batch of this size may not enter now; it would occupy `charge` bytes of the budget. */
  closed(size: { readonly bytes: number; readonly items: number }, charge: number): Refused | undefined {
    if (this.#stopped) return this.#stopped
    const { limit, used } = this.budget
    if (charge > limit)
      return new Refused(`${charge} bytes are more than the whole budget of ${limit} for ${this.signal}`, {
        code: 'invalid_argument',
        retry: 'never',
      })
    if (used + charge > limit)
      return new Refused(`the budget of ${limit} bytes for ${this.signal} is full`, {
        code: 'resource_exhausted',
        retry: { after: COME_BACK },
      })
    for (const room of this.#rooms) {
      const refused = room.full(size)
      if (refused) return refused
    }
    return undefined
  }

  /** Charges `charge` bytes for a batch of this size, or throws why not. */
  take(size: { readonly bytes: number; readonly items: number }, charge: number): void {
    const refused = this.closed(size, charge)
    if (refused) throw refused
    this.budget.tryTake(charge)
  }

  /** Resolves when a change may have made room, one waiter after the other; rejects with the signal's reason when aborted, and after `stop`. */
  changed(abort?: AbortSignal): Promise<void> {
    if (this.#stopped) return Promise.reject(this.#stopped)
    if (abort?.aborted) return Promise.reject(abort.reason as Error)
    return new Promise((resolve, reject) => {
      const enter = () => {
        abort?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiters.splice(this.#waiters.indexOf(enter), 1)
        reject(abort?.reason as Error)
      }
      this.#waiters.push(enter)
      abort?.addEventListener('abort', leave, { once: true })
    })
  }

  /** Closes for good, for that reason; who waits is told. */
  stop(reason: Refused): void {
    this.#stopped = reason
    this.#unwatchAll()
    for (const enter of this.#waiters.splice(0)) enter()
  }

  #unwatchAll(): void {
    for (const unwatch of this.#unwatch) unwatch()
    this.#unwatch = []
  }

  #wake(): void {
    this.#round = this.#waiters.length
    if (!this.#turning) this.#turn()
  }

  /** Who is woken enters, and takes the room, before the next one looks: or all would enter where there is room for one. */
  #turn(): void {
    this.#turning = this.#round > 0
    if (!this.#turning) return
    this.#round--
    this.#waiters.shift()?.()
    setImmediate(() => this.#turn())
  }
}
