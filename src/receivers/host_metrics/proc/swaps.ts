import type { Count } from '../count.ts'
import { multiply } from '../count.ts'
import { Fields, unescapeOctal } from '../fields.ts'

/** The kernel allows about 30 swap areas. */
const MAX_SWAPS = 128

export interface Swap {
  /** `/dev/dm-1`, or the path of a swap file. */
  readonly device: string
  /** Bytes. */
  readonly size: Count
  readonly used: Count
}

/** Reads /proc/swaps (proc_swaps(5)); the first line is a heading. */
export function parseSwaps(buffer: Buffer): readonly Swap[] {
  const swaps: Swap[] = []
  const fields = new Fields(buffer)
  fields.nextLine()
  while (fields.nextLine() && swaps.length < MAX_SWAPS) {
    const device = fields.word()
    const size = fields.skip(1).integer()
    const used = fields.integer()
    if (device === undefined || size === undefined || used === undefined || used > size) continue
    swaps.push({ device: unescapeOctal(device), size: multiply(size, 1024), used: multiply(used, 1024) })
  }
  return swaps
}
