import { Chain } from '../component/chain.ts'
import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode, Holder } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import type { Sink } from '../sending/sink.ts'

/**
 * A place in the graph that stays while what stands there is replaced: whoever leads to it need not know. While it is shut, it keeps
 * what comes, unannounced, so that senders wait. What it keeps is charged to its budget, which closes the gate when it is full.
 */
export class Valve implements Sink, Holder {
  readonly id: string
  readonly name: string
  /** In the order in which it came. */
  readonly held = new Chain<DeliveryNode>()
  #target: Sink | undefined

  /** `id`: the component's that stands here. */
  constructor(id: string) {
    this.id = id
    this.name = `the way to or from "${id}"`
  }

  get target(): Sink | undefined {
    return this.#target
  }

  take(delivery: Delivery): void {
    if (this.#target) this.#target.take(delivery)
    else (delivery as DeliveryNode).hold(this)
  }

  shut(): void {
    this.#target = undefined
  }

  /** Leads to `target` from now on; what it kept goes there first. */
  open(target: Sink): void {
    this.#target = target
    for (const node of this.held) {
      node.hold(undefined)
      target.take(node)
    }
  }

  /** Nothing will stand here: what it keeps is handed back. */
  abandon(why: string): void {
    for (const node of this.held) node.end(new Refused(why, { code: 'unavailable', retry: {} }))
  }

  misuse(): void {
    // It ends nothing twice: it hands each delivery on once.
  }
}
