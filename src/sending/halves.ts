import { split } from '../component/compose.ts'
import type { Delivery } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'
import type { Batch } from '../data/batch.ts'
import { split as splitBatch } from '../data/kernels/split.ts'

/**
 * The delivery as two, for a backend that says it is too large; undefined where it cannot be split: a single record, a single profile,
 * no memory for it.
 */
export function halves(delivery: Delivery): Delivery[] | undefined {
  const { items } = delivery.batch
  if (items < 2) return undefined
  let parts: Batch[]
  try {
    parts = splitBatch(delivery.batch, { items: Math.ceil(items / 2) })
  } catch {
    return undefined
  }
  if (parts.length > 1) return split(delivery, parts)
  for (const part of parts) part.release()
  return undefined
}

export const isTooLarge = ({ reason }: Refused): boolean => reason === 'too_large'

/** A record that no request can hold. */
export const tooLarge = (bytes: number, most: number): Refused =>
  new Refused(`a single record of ${bytes} bytes is larger than \`max_size\` (${most}) lets a request be`, {
    code: 'invalid_argument',
    retry: 'never',
    reason: 'too_large',
  })
