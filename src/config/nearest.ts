/** The name of `candidates` that `written` was most likely meant to be, or undefined where none is near. */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(written.length / 3))
  let best: string | undefined
  let least = limit + 1
  for (const candidate of candidates) {
    const steps = closeness(written, candidate, limit)
    if (steps < least) [best, least] = [candidate, steps]
  }
  return best
}

export function didYouMean(written: string, candidates: Iterable<string>): string | undefined {
  const name = nearest(written, candidates)
  return name === undefined ? undefined : `did you mean "${name}"?`
}

/** Whether one of the keys, which is none of those known, was most likely meant to be `key`. */
export function isMisspelt(key: string, written: Iterable<string>, known: readonly string[]): boolean {
  return [...written].some((each) => !known.includes(each) && nearest(each, known) === key)
}

/** Shortest beginning of a name that is taken for it. */
const LEAST_PREFIX = 3

function closeness(written: string, candidate: string, limit: number): number {
  if (simplified(candidate) === simplified(written)) return 0
  if (written.length >= LEAST_PREFIX && candidate.startsWith(written)) return 1
  return Math.abs(candidate.length - written.length) > limit ? Infinity : distance(written, candidate)
}

/** What people mix up most: case, and how words are joined (`queueSize`, `queue-size`). */
const simplified = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '')

/** Letters to insert, delete, replace or swap with their neighbour. */
function distance(left: string, right: string): number {
  let before: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(before, column - 2) + 1 : Infinity,
      )
    }
    before = last
    last = current
  }
  return at(last, right.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? Infinity
