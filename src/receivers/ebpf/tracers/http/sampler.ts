import { thresholdOf } from '../../../../plugin.ts'
import type { Identifier } from './identifiers.ts'

/** The last 14 digits of a trace id are its randomness (W3C Trace Context, level 2), here in two halves of 28 bits. */
const ALL_DIGITS = 14
const HALF = 0xfff_ffff

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

  /** Of the id's four words. */
  keeps(traceId: Identifier): boolean {
    if (this.#isNever) return false
    if (this.#high === 0 && this.#low === 0) return true
    const [, , third, last] = traceId as readonly [number, number, number, number]
    const high = ((third << 4) | (last >>> 28)) & HALF
    return high > this.#high || (high === this.#high && (last & HALF) >= this.#low)
  }
}
