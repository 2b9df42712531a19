/** So far behind, a number belongs to an event that came late; further, the counting began anew. */
const LATE_MOST = 64

export const NEXT = 0
/** Two that moved data in the same instant may share a number. */
export const AGAIN = 1
export const LATE = 2
export const GAP = 3

/** How an event's number follows those before it, of which the next should have been `expected`: -1 before the first. */
export function follows(expected: number, sequence: number): typeof NEXT | typeof AGAIN | typeof LATE | typeof GAP {
  if (sequence === expected || expected < 0) return NEXT
  const ahead = (sequence - expected) | 0
  if (ahead === -1) return AGAIN
  return ahead < 0 && ahead > -LATE_MOST ? LATE : GAP
}
