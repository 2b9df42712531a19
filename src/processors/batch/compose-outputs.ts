import { merge, mergeBatches, split, splitBatch } from '../../plugin.ts'
import type { Batch, Delivery, Origin } from '../../plugin.ts'

/**
 * Makes one delivery of many, or several where a batch may hold only `maxSize` items. Each input ends with the outputs that
 * its own records went to, and with no other: what lies over a border is answered for by the outputs on both sides.
 *
 * Where all fits, nothing is copied. Throws where the memory for the parts would overdraw the budget, inputs untouched.
 */
export function composeOutputs(inputs: readonly Delivery[], maxSize: number, origin: Origin | undefined): Delivery[] {
  const [only] = inputs
  const fits = itemsOf(inputs) <= maxSize
  if (fits && inputs.length === 1) return only ? [only] : []
  if (fits) return [merge(inputs, undefined, origin)]
  const outputs = splitAll(inputs, maxSize)
  const shares = shareOut(inputs, outputs)
  return outputs.map((batch, index) => merge(shares[index] as Delivery[], batch, origin))
}

export const itemsOf = (deliveries: readonly Delivery[]): number =>
  deliveries.reduce((sum, { batch }) => sum + batch.items, 0)

function splitAll(inputs: readonly Delivery[], items: number): Batch[] {
  const whole = mergeBatches(inputs.map(({ batch }) => batch))
  try {
    return splitBatch(whole, { items })
  } finally {
    whole.release()
  }
}

/** For each output the deliveries that answer to it: inputs, or parts of one that went to several. */
function shareOut(inputs: readonly Delivery[], outputs: readonly Batch[]): Delivery[][] {
  const shares: Delivery[][] = outputs.map(() => [])
  let output = 0
  let room = outputs[0]?.items ?? 0
  for (const input of inputs) {
    const first = output
    let left = input.batch.items
    while (left > room && output < outputs.length - 1) {
      left -= room
      room = (outputs[++output] as Batch).items
    }
    room -= left
    const takers = shares.slice(first, output + 1)
    // The batches only pass through: each output brings its own.
    const parts =
      takers.length === 1
        ? [input]
        : split(
            input,
            takers.map(() => input.batch.retain()),
          )
    for (const [index, part] of parts.entries()) takers[index]?.push(part)
  }
  return shares
}
