import { Decision } from '../sampling/decision.ts'
import type { Scope } from './levels.ts'
import type { Act } from './node.ts'
import { LogCandidate } from './sample-log.ts'
import { SpanCandidate } from './sample-span.ts'
import type { RecordLevel, Sampling } from './step.ts'

/** Drops or keeps the record at hand. `ends` gets what reports the counts when a run is over. */
export function sampled(sampling: Sampling, level: RecordLevel, scope: Scope, ends: (() => void)[]): Act {
  const subject = scope[level]
  if (subject === undefined || (level !== 'span' && level !== 'logRecord'))
    throw new Error(`a ${level} cannot be sampled: only spans and log records can`)
  const candidate = level === 'span' ? new SpanCandidate(subject, sampling.seed) : new LogCandidate(subject, sampling)
  const decision = new Decision(sampling.mode, sampling.failClosed)
  const tally = new Tally()
  ends.push(() => tally.report(sampling.counted))
  return () => {
    candidate.load()
    const isKept = decision.decide(candidate)
    if (isKept && decision.writes) candidate.write(decision)
    tally.count(decision.policy, isKept)
    return !isKept
  }
}

interface Count {
  kept: number
  dropped: number
}

/** Decisions of a run by policy. There are five policies, and one for an attribute. */
class Tally {
  readonly #counts = new Map<string, Count>()
  #policy = ''
  #last: Count = { kept: 0, dropped: 0 }

  count(policy: string, isKept: boolean): void {
    if (policy !== this.#policy) this.#turnTo(policy)
    if (isKept) this.#last.kept++
    else this.#last.dropped++
  }

  report(to: Sampling['counted']): void {
    for (const [policy, count] of this.#counts) {
      if (count.kept + count.dropped === 0) continue
      to(policy, count.kept, count.dropped)
      count.kept = 0
      count.dropped = 0
    }
  }

  #turnTo(policy: string): void {
    let count = this.#counts.get(policy)
    if (count === undefined) this.#counts.set(policy, (count = { kept: 0, dropped: 0 }))
    this.#policy = policy
    this.#last = count
  }
}
