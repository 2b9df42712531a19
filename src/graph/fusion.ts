import type { ProcessorPart } from './parts.ts'
import type { PlannedPipeline } from './plan.ts'
import { StepsStage } from './steps-stage.ts'
import type { StepsOf } from './steps-stage.ts'

/** A piece of a pipeline between two edges: neighbours that run in one visit, or one operator. */
export interface Run {
  /** Ids of its processors, in order. */
  readonly ids: readonly [string, ...string[]]
  /** Undefined for an operator. */
  readonly fused: StepsStage | undefined
}

/** Puts processors that look at one record at a time together with their neighbours. Throws where their steps cannot be compiled. */
export function fuse({ signal }: PlannedPipeline, processors: readonly ProcessorPart[]): Run[] {
  const runs: Run[] = []
  let together: StepsOf[] = []
  const close = () => {
    const [first, ...rest] = together.map(({ owner }) => owner.id)
    if (first !== undefined) runs.push({ ids: [first, ...rest], fused: new StepsStage(signal, together) })
    together = []
  }
  for (const { steps, owner } of processors) {
    if (steps) together.push(steps)
    else {
      close()
      runs.push({ ids: [owner.id], fused: undefined })
    }
  }
  close()
  return runs
}
