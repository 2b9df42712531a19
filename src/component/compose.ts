import type { Batch } from '../data/batch.ts'
import { merge as mergeBatches } from '../data/kernels/merge.ts'
import type { Signal } from '../data/signal.ts'
import { DISCARDED, UNKNOWN_ORIGIN } from './delivery.ts'
import type { Delivery, Origin } from './delivery.ts'
import { DeliveryNode } from './delivery-node.ts'

/**
 * How a stage turns deliveries into others. What comes out answers for what went in: levels are passed up (the lowest
 * counts) and so are ends (the worst counts). After any of these, the inputs must not be touched again. Batches that are
 * handed in change their owner.
 */

/** The same data, changed: `batch` takes the place of the delivery's. */
export function replace<S extends Signal>(delivery: Delivery, batch: Batch<S>): Delivery<S> {
  const [part] = split(delivery, [batch])
  return part as Delivery<S>
}

/** Several batches instead of one, signals free to differ. None at all ends the delivery as discarded. */
export function split<S extends Signal>(delivery: Delivery, batches: readonly Batch<S>[]): Delivery<S>[] {
  const node = delivery as DeliveryNode
  node.requireOpen(batches)
  if (batches.length === 0) {
    node.end(DISCARDED)
    return []
  }
  const parts = batches.map((batch) => new DeliveryNode(batch, node.origin, [node]))
  node.turnInto(parts)
  return parts
}

/** The same batch for each of `branches` takers. */
export function fanOut<S extends Signal>(delivery: Delivery<S>, branches: number): Delivery<S>[] {
  return split(
    delivery,
    Array.from({ length: branches }, () => delivery.batch.retain()),
  )
}

/**
 * One delivery instead of several. `batch`: what they became; by default their batches joined, which copies nothing.
 * `origin`: what they have in common, where they were partitioned by it; by default nothing is known of the sender.
 */
export function merge<S extends Signal>(
  deliveries: readonly Delivery<S>[],
  batch: Batch<S> = mergeBatches(deliveries.map((delivery) => delivery.batch)),
  origin: Origin = UNKNOWN_ORIGIN,
): Delivery<S> {
  const nodes = deliveries as readonly DeliveryNode<S>[]
  for (const node of nodes) node.requireOpen([batch])
  const whole = new DeliveryNode(batch, origin, nodes)
  for (const node of nodes) node.turnInto([whole])
  return whole
}
