import type { Ledger } from './generator.ts'
import type { SinkLedger } from './sink.ts'

/** What became of all records. */
export interface Account {
  readonly issued: number
  readonly acknowledged: number
  /** Different records that the backend took. */
  readonly delivered: number
  /** Acknowledged, and neither taken by the backend nor refused by it for good. */
  readonly lost: number
  /** The first few of them. */
  readonly lostFrom: readonly number[]
  /** Taken more often than once. */
  readonly duplicated: number
  /** Duplicates for which neither the generator nor the backend gave a reason: nothing was sent again, no answer was held back. */
  readonly unexplained: number
  /** Taken though never issued, or with other bytes. */
  readonly invented: number
}

const SHOWN = 5

/** Holds what was acknowledged, taken and issued against one another: the first must lie within the second, and that within the third. */
export function account(generator: Ledger, sink: SinkLedger): Account {
  const { size, acknowledged } = generator
  const issued = generator.issued * size
  const refused = new Set(sink.rejected)
  const lostFrom: number[] = []
  let lost = 0
  let promised = 0
  for (let index = 0; index < generator.issued; index++) {
    if (acknowledged[index] !== 1) continue
    promised += size
    for (let number = index * size; number < (index + 1) * size; number++) {
      if (sink.counts[number] || refused.has(number)) continue
      lost++
      if (lostFrom.length < SHOWN) lostFrom.push(number)
    }
  }
  let delivered = 0
  let copies = 0
  let duplicated = 0
  let invented = sink.altered + sink.foreign
  sink.counts.forEach((count, number) => {
    if (count === 0) return
    if (number >= issued) {
      invented++
      return
    }
    delivered++
    copies += count - 1
    if (count > 1) duplicated++
  })
  const unexplained = Math.max(0, copies - generator.resent * size - sink.unanswered)
  return { issued, acknowledged: promised, delivered, lost, lostFrom, duplicated, unexplained, invented }
}
