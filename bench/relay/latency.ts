import { type Effort, loadOf, Ring, type Score } from './contest.ts'
import type { Program } from './programs.ts'
import type { Scenario } from './scenario.ts'
import { typical } from './statistics.ts'

/** How long requests take at the same rate for all, half of what the slowest can do. */
export interface LatencyContest {
  readonly scenario: Scenario
  /** Requests in a second. */
  readonly rate: number
  readonly scores: readonly Score[]
}

const SCENARIO: Scenario = {
  protocol: 'grpc',
  work: 'pass',
  items: 10,
  signal: 'traces',
  gzip: false,
  batch: false,
}
/** Requests are sent when they are due, whether those before were answered or not. */
const PREPARED = 2_048

export async function latencyAtHalfLoad(programs: readonly Program[], effort: Effort): Promise<LatencyContest> {
  const ring = new Ring(SCENARIO, programs, effort)
  try {
    await ring.open({ ...loadOf(SCENARIO), prepared: PREPARED })
    const saturated = await ring.rounds()
    const rate = Math.min(
      ...saturated.map((score) => typical(score, ({ requests, wallMs }) => (requests * 1000) / wallMs)),
    )
    return { scenario: SCENARIO, rate: rate / 2, scores: await ring.rounds(rate / 2) }
  } finally {
    await ring.close()
  }
}
