import type { DeliveryNode } from '../component/delivery-node.ts'
import { Tally } from './tally.ts'

/** Deliveries of a queue on disk that are in memory alone, in the order in which they came. */
export class MemoryOnly {
  readonly tally = new Tally()
  readonly #since = new Map<DeliveryNode, number>()

  get isEmpty(): boolean {
    return this.#since.size === 0
  }

  /** When the oldest came. */
  get oldest(): number | undefined {
    return this.#since.values().next().value
  }

  /** Until it has ended, or `remove`; `ended` is called in the first case. */
  add(node: DeliveryNode, now: number, ended: () => void): void {
    if (this.#since.has(node)) return
    this.#since.set(node, now)
    this.tally.add(node)
    node.whenEnded(() => {
      this.remove(node)
      ended()
    })
  }

  remove(node: DeliveryNode): void {
    if (this.#since.delete(node)) this.tally.remove(node)
  }
}
