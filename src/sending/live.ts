import type { Outcome } from '../component/delivery.ts'
import type { DeliveryNode } from '../component/delivery-node.ts'
import type { StoredKey } from '../component/storage.ts'

/** Records of a queue that are on disk and in memory, with the time at which each came, in order. */
export class Live {
  readonly #times = new Map<StoredKey, number>()
  readonly #onEnded: (key: StoredKey, outcome: Outcome, isStored: boolean) => void
  #youngest = 0

  /** `onEnded`: told when all that was made of a record has ended; `isStored` where it stays on disk. */
  constructor(onEnded: (key: StoredKey, outcome: Outcome, isStored: boolean) => void) {
    this.#onEnded = onEnded
  }

  get isEmpty(): boolean {
    return this.#times.size === 0
  }

  get oldest(): number | undefined {
    return this.#times.values().next().value
  }

  /** When the last one came that was ever here. */
  get youngest(): number {
    return this.#youngest
  }

  has(key: StoredKey): boolean {
    return this.#times.has(key)
  }

  follow(key: StoredKey, node: DeliveryNode, at: number): void {
    this.#times.set(key, at)
    this.#youngest = at
    node.whenEnded((outcome, isStored) => {
      this.#times.delete(key)
      this.#onEnded(key, outcome, isStored)
    })
  }
}
