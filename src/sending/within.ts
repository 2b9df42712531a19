import type { Clock } from '../component/clock.ts'

/** Waits for `work`, but no longer than `most` milliseconds; whether it has ended by then. A rejection is an end. */
export async function within(clock: Clock, most: number, work: Promise<unknown>): Promise<boolean> {
  let isOver = false
  const late = new AbortController()
  const done = work
    .catch(() => {})
    .then(() => {
      isOver = true
      late.abort()
    })
  await Promise.race([done, clock.sleep(most, late.signal).catch(() => {})])
  return isOver
}
