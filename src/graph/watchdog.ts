import type { Clock, Timer } from '../component/clock.ts'
import { Refused } from '../component/refused.ts'
import type { Holder } from '../component/delivery-node.ts'

/** How long a stage may sit on a delivery of which it announced nothing, in milliseconds. */
export const FORGOTTEN = 30_000
const LOOK = 5_000

/**
 * Finds deliveries that a stage took, or a receiver made, without announcing anything, passing them on or ending them: it has
 * forgotten them. They are refused, so that the sender and the memory are free again, and who it was is named.
 */
export function watch(holders: () => Iterable<Holder>, clock: Clock): Timer {
  return clock.every(LOOK, () => {
    const now = clock.monotonic()
    for (const holder of holders()) {
      let forgotten = 0
      for (const node of holder.held) {
        node.seenAt ??= now
        if (node.inCustody || now - node.seenAt < FORGOTTEN) continue
        forgotten++
        const refused = new Refused(`${holder.name} forgot a delivery`, { code: 'deadline_exceeded', retry: {} })
        node.end(refused)
      }
      if (forgotten > 0)
        holder.misuse(`forgot ${forgotten} deliveries: took them, announced nothing, and never ended them`)
    }
  })
}
