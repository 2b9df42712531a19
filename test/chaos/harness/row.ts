import type { Scene, SceneOptions } from './scene.ts'

/** Where Telegen's sending queue is. */
export type Queue = 'memory' | 'disk'

/**
 * One fault: how it is provoked, and what must hold beyond what must always hold (nothing acknowledged is lost, nothing is invented or
 * altered, no duplicates without a reason, a fresh record flows afterwards, SIGTERM ends Telegen with 0).
 */
export interface Row {
  /** Kebab-case; the command line's `--only` takes it. */
  readonly name: string
  /** One sentence: what is done, and what must hold. */
  readonly about: string
  /** The row runs once with each. */
  readonly queues: readonly Queue[]
  /** With which queues it runs in `npm test`; left out, in none. */
  readonly short?: readonly Queue[]
  /** Needs the machine for itself: it measures time, or loads both cores. */
  readonly alone?: boolean
  /** Why it cannot run on this machine. */
  readonly missing?: () => string | undefined
  readonly scene?: SceneOptions
  /** Why acknowledged records may be lost; how many is still told. */
  readonly mayLose?: string
  /** Why there may be duplicates that nobody's repetition explains. */
  readonly mayDouble?: string
  /** Why an error may be reported that no stage could catch. */
  readonly mayEscape?: string
  /** Provokes the fault and heals it. Tells the scene how often it struck (`strike`) and when it was over (`heal`). */
  run(scene: Scene): Promise<void>
}

export interface Result {
  /** With its queue: `backend-down/disk`. */
  readonly name: string
  readonly struck: number
  readonly what: string
  readonly issued: number
  readonly acknowledged: number
  readonly delivered: number
  readonly lost: number
  readonly duplicated: number
  readonly recovery: number | undefined
  readonly seconds: number
  /** What is worth telling beside the counts. */
  readonly notes: readonly string[]
  /** What was broken: sentences. */
  readonly faults: readonly string[]
  readonly skipped?: string
}
