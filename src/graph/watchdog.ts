import type { Clock, Timer } from '../component/clock.ts'
import { Refused } from '../component/refused.ts'
import type { StageOwner } from './stage-owner.ts'

/** How long a stage may sit on a delivery of which it announced nothing, in milliseconds. */
export const FORGOTTEN = 30_000
const LOOK = 5_000

/**
 * Finds deliveries that a stage took, announced nothing of, and neither passed on nor ended: it has forgotten them. They are
 * refused, so that the sender and the memory are free again, and the stage is named.
 */
export function watch(owners: readonly StageOwner[], clock: Clock): Timer {
  return clock.every(LOOK, () => {
    const now = clock.monotonic()
    for (const owner of owners) {
      let forgotten = 0
      for (const node of owner.held) {
        node.seenAt ??= now
        if (node.announced || now - node.seenAt < FORGOTTEN) continue
        forgotten++
        const refused = new Refused(`${owner.name} forgot a delivery`, { code: 'deadline_exceeded', retry: {} })
        refused.component = owner.id
        node.end(refused)
      }
      if (forgotten > 0)
        owner.misuse(`forgot ${forgotten} deliveries: took them, announced nothing, and never ended them`)
    }
  })
}
