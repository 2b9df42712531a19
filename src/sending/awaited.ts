import { STORED } from '../component/delivery.ts'
import type { Outcome } from '../component/delivery.ts'
import type { DeliveryNode } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import type { StoredKey } from '../component/storage.ts'

/** Most of them that one queue keeps: they have no bytes, and are something all the same. */
const MOST = 100_000

/** Deliveries whose bytes are on disk alone, and of which somebody waits to hear that they were delivered. By the key of their record. */
export class Awaited {
  readonly #nodes = new Map<StoredKey, DeliveryNode>()

  get isFull(): boolean {
    return this.#nodes.size >= MOST
  }

  has(key: StoredKey): boolean {
    return this.#nodes.has(key)
  }

  /** Lets go of its memory. */
  add(key: StoredKey, node: DeliveryNode): void {
    this.#nodes.set(key, node)
    node.letGo()
  }

  /** What became of its record becomes of it. */
  end(key: StoredKey, outcome: Outcome): void {
    const node = this.#nodes.get(key)
    this.#nodes.delete(key)
    node?.end(outcome)
  }

  /** Records before `before` that were passed over, but for those that are `known`: nobody will hear of them again. */
  dismiss(before: StoredKey, known: (key: StoredKey) => boolean): void {
    for (const key of this.#nodes.keys()) {
      if (key >= before) return
      if (known(key)) continue
      const message = 'its record on disk was damaged'
      this.end(key, new Refused(message, { code: 'data_loss', retry: 'never', reason: 'damaged' }))
    }
  }

  /** They stay on disk. */
  close(): void {
    for (const key of this.#nodes.keys()) this.end(key, STORED)
  }
}
