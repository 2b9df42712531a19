import { STORED } from '../component/delivery.ts'
import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import type { StoredKey, StoredQueue } from '../component/storage.ts'
import type { DiskQueueOptions } from './disk-queue-options.ts'
import { encodeHeader } from './record.ts'
import { Row } from './row.ts'
import { Tally } from './tally.ts'

export interface ArrivalsOwner {
  /** As they are now. */
  options(): Pick<DiskQueueOptions, 'signal' | 'clock' | 'onFull'>
  /** Undefined while it is not open. */
  store(): StoredQueue | undefined
  /** Drops what has waited longest until nothing is more than it may. */
  makeRoom(): Promise<void>
  appended(store: StoredQueue, key: StoredKey, node: DeliveryNode): void
  refused(node: DeliveryNode, refused: Refused): void
}

/** What has come to a queue on disk and is not there yet: since the disk is not open, or since it is being written. */
export class Arrivals {
  /** All of it. */
  readonly tally = new Tally()
  readonly #owner: ArrivalsOwner
  /** What came before the disk was open. */
  readonly #early = new Row<DeliveryNode>()
  #writing: Promise<void> = Promise.resolve()

  constructor(owner: ArrivalsOwner) {
    this.#owner = owner
  }

  /** Deliveries that wait until the disk is open. */
  get waiting(): number {
    return this.#early.length
  }

  wait(node: DeliveryNode): void {
    this.tally.add(node)
    this.#early.push(node)
  }

  /** What waits until the disk is open, in order, which then is the caller's. */
  clear(): DeliveryNode[] {
    const early = this.#early.clear()
    for (const each of early) this.tally.remove(each)
    return early
  }

  /** Ends in `appended` or `refused` of the owner. */
  write(node: DeliveryNode): void {
    this.tally.add(node)
    const before = this.#writing
    const isOneByOne = this.#owner.options().onFull === 'drop_oldest'
    // With drop_oldest one after the other, or each would make room for all; else the storage has them all and writes them together.
    const written = isOneByOne ? before.then(() => this.#append(node)) : this.#append(node)
    // Without a result: one would hold that of `before`, and so on back to the first.
    this.#writing = Promise.all([before, written]).then(() => {})
  }

  /** Resolves when what has been handed to the disk is there, or was refused. */
  get written(): Promise<void> {
    return this.#writing
  }

  /** Writes what came another way; false where the disk did not take it. */
  async keep(delivery: Delivery): Promise<boolean> {
    const store = this.#owner.store()
    if (store === undefined) return false
    try {
      await store.append(this.#recordOf(delivery), delivery.batch.items)
    } catch {
      return false
    }
    if (!(delivery as DeliveryNode).ended) delivery.end(STORED)
    return true
  }

  async #append(node: DeliveryNode): Promise<void> {
    if (this.#owner.options().onFull === 'drop_oldest') await this.#owner.makeRoom()
    const store = this.#owner.store()
    try {
      if (store === undefined) throw new Refused('the queue is closed', { code: 'unavailable', retry: {} })
      const key = await store.append(this.#recordOf(node), node.batch.items)
      this.tally.remove(node)
      this.#owner.appended(store, key, node)
    } catch (error) {
      this.tally.remove(node)
      this.#owner.refused(node, Refused.from(error))
    }
  }

  #recordOf({ batch, origin }: Delivery): Buffer[] {
    const { signal, clock } = this.#owner.options()
    return [encodeHeader(signal, origin, clock.now()), ...batch.segments()]
  }
}
