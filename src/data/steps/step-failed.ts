/** A hook threw. Nothing of the batch was kept. */
export class StepFailed extends Error {
  /** Which step, as an index into the list that was compiled. */
  readonly step: number

  constructor(step: number, cause: unknown) {
    super(`step ${step} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'StepFailed'
    this.step = step
  }
}
