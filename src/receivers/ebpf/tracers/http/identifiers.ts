import { randomFillSync } from 'node:crypto'

/** Random bytes are drawn so many at a time: a call for each span would cost more than the span. */
const POOL_BYTES = 4096

/** Words of 32 bits, signed, the highest first: four of a trace, two of a span. They are never shown, and written faster than digits. */
export type Identifier = readonly number[]

export const NO_ID: Identifier = []

/** Makes trace and span ids: random. */
export class Identifiers {
  readonly #words = new Int32Array(POOL_BYTES / 4)
  #at = this.#words.length

  traceId(): Identifier {
    return [this.#next(), this.#next(), this.#next(), this.#next()]
  }

  spanId(): Identifier {
    // An id of zeros is none. The first word decides: what is lost by that is one in four billion.
    return [this.#next() || 1, this.#next()]
  }

  #next(): number {
    if (this.#at === this.#words.length) {
      randomFillSync(this.#words)
      this.#at = 0
    }
    return this.#words[this.#at++]!
  }
}
