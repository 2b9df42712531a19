import type { Delivery } from '../component/delivery.ts'
import type { Sizer } from '../component/sending-options.ts'

/** How much some deliveries are. */
export class Tally {
  records = 0
  items = 0
  bytes = 0

  add(delivery: Delivery): void {
    this.#change(delivery, 1)
  }

  remove(delivery: Delivery): void {
    this.#change(delivery, -1)
  }

  in(sizer: Sizer): number {
    return sizer === 'requests' ? this.records : this[sizer]
  }

  #change({ batch: { items, bytes } }: Delivery, sign: 1 | -1): void {
    this.records += sign
    this.items += sign * items
    this.bytes += sign * bytes
  }
}
