import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode, Holder } from '../component/delivery-node.ts'
import { Row } from './row.ts'

/** Deliveries in memory that wait for a consumer, with their bytes. */
export class Ready {
  readonly #row = new Row<Delivery>()
  #bytes = 0

  get length(): number {
    return this.#row.length
  }

  /** Whether `bytes` more are at most `most`; one there may always be. */
  hasRoomFor(bytes: number, most: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= most
  }

  push(delivery: Delivery): void {
    this.#row.push(delivery)
    this.#bytes += delivery.batch.bytes
  }

  shift(): Delivery | undefined {
    const next = this.#row.shift()
    if (next !== undefined) this.#bytes -= next.batch.bytes
    return next
  }

  putBack(deliveries: readonly Delivery[]): void {
    this.#row.putBack(deliveries)
    for (const { batch } of deliveries) this.#bytes += batch.bytes
  }

  clear(): Delivery[] {
    this.#bytes = 0
    return this.#row.clear()
  }

  /** They are with `holder` now. */
  move(holder: Holder): void {
    const all = this.clear()
    for (const each of all) (each as DeliveryNode).hold(holder)
    this.putBack(all)
  }
}
