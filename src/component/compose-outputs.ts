import type { Batch } from '../data/batch.ts'
import { merge as mergeBatches } from '../data/kernels/merge.ts'
import { split as splitBatch } from '../data/kernels/split.ts'
import type { SplitLimits } from '../data/kernels/split.ts'
import { merge, split } from './compose.ts'
import type { Delivery, Origin } from './delivery.ts'

export interface OutputLimit {
  readonly sizer: 'items' | 'bytes'
  /** Infinity is no limit. */
  readonly maxSize: number
}

/**
 * Makes one delivery of many, or several where a batch may be only so large. Each input ends with the outputs that its own
 * records went to, and with no other: what lies over a border is answered for by the outputs on both sides.
 *
 * Where all fits, nothing is copied. Throws where the memory for the parts would overdraw the budget, inputs untouched.
 */
export function composeOutputs(
  inputs: readonly Delivery[],
  { sizer, maxSize }: OutputLimit,
  origin: Origin | undefined,
): Delivery[] {
  const [only] = inputs
  if (only === undefined || (inputs.length === 1 && only.batch[sizer] <= maxSize)) return [...inputs]
  // Of profiles only the merged batch knows its size.
  const whole = mergeBatches(inputs.map(({ batch }) => batch))
  if (whole[sizer] <= maxSize) return [merge(inputs, whole, origin)]
  const outputs = splitWhole(whole, { [sizer]: maxSize })
  const shares = shareOut(inputs, outputs)
  return outputs.map((batch, index) => merge(shares[index] as Delivery[], batch, origin))
}

function splitWhole(whole: Batch, limits: SplitLimits): Batch[] {
  try {
    return splitBatch(whole, limits)
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
    // Or what begins at a border would answer to the output before it, too.
    while (room === 0 && output < outputs.length - 1) room = (outputs[++output] as Batch).items
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
