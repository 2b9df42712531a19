import { randomFillSync } from 'node:crypto'

/** Random bytes are drawn so many at a time: a call for each span would cost more than the span. */
const POOL_BYTES = 4096
const TRACE_DIGITS = 32
const SPAN_DIGITS = 16

/** Makes trace and span ids: random, in hexadecimal. */
export class Identifiers {
  readonly #bytes = Buffer.alloc(POOL_BYTES)
  #digits = ''
  #at = 0

  traceId(): string {
    return this.#take(TRACE_DIGITS)
  }

  spanId(): string {
    return this.#take(SPAN_DIGITS)
  }

  #take(digits: number): string {
    if (this.#at + digits > this.#digits.length) {
      this.#digits = randomFillSync(this.#bytes).toString('hex')
      this.#at = 0
    }
    const from = this.#at
    this.#at += digits
    return this.#digits.slice(from, this.#at)
  }
}
