import { thresholdOf } from '../../../../plugin.ts'

const ALL_DIGITS = 14
/** The last 14 digits of a trace id are its randomness (W3C Trace Context, level 2), here in two halves. */
const HALF_FROM = 18
const LOW_FROM = 25

/** Whether a trace is kept: the same for all that see it, by its id alone. */
export class Sampler {
  readonly #high: number
  readonly #low: number
  readonly #isNever: boolean

  constructor(ratio: number) {
    const threshold = thresholdOf(ratio, ALL_DIGITS)
    this.#isNever = threshold === undefined
    this.#high = threshold?.high ?? 0
    this.#low = threshold?.low ?? 0
  }

  keeps(traceId: string): boolean {
    if (this.#isNever) return false
    if (this.#high === 0 && this.#low === 0) return true
    const high = parseInt(traceId.slice(HALF_FROM, LOW_FROM), 16)
    return high > this.#high || (high === this.#high && parseInt(traceId.slice(LOW_FROM), 16) >= this.#low)
  }
}
