import { numberOf, spansIn } from './records.ts'
import { OK } from './sink-verdict.ts'
import type { Reply } from './sink-verdict.ts'
import type { SinkLedger } from './sink.ts'

const MOST = 255
const MAX_NUMBERS = 64_000_000
const BAD_REQUEST: Reply = { status: 400, rejected: 0 }

/** What a backend took, each record by its number. */
export class Book {
  readonly marks = new Set<string>()
  readonly struck = new Map<string, number>()
  /** Different records. */
  taken = 0
  #counts = new Uint8Array(65_536)
  readonly #rejected = new Set<number>()
  #altered = 0
  #foreign = 0
  #unanswered = 0
  #turnedAwayAt: number | undefined
  readonly #returns: number[] = []

  strike(kind: string): void {
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1)
    if (this.#turnedAwayAt === undefined) return
    this.#returns.push(Math.round(performance.now() - this.#turnedAwayAt))
    this.#turnedAwayAt = undefined
  }

  /** The next request tells how long its sender waited. */
  turnedAway(): void {
    this.#turnedAwayAt = performance.now()
  }

  take(request: Buffer, { reject = 0, answered = true } = {}): Reply {
    let rejected = 0
    for (const span of spansIn(request)) {
      const number = numberOf(span)
      if (number === 'altered') this.#altered++
      else if (number === 'foreign' || number >= MAX_NUMBERS) this.#foreign++
      else if (rejected < reject) {
        this.#rejected.add(number)
        rejected++
      } else {
        this.#add(number)
        if (!answered) this.#unanswered++
      }
    }
    return rejected > 0 ? { ...OK, rejected } : OK
  }

  /** Its sender did not wait for the answer. */
  left(request: Buffer): void {
    for (const span of spansIn(request)) if (typeof numberOf(span) === 'number') this.#unanswered++
  }

  reject(request: Buffer): Reply {
    for (const span of spansIn(request)) {
      const number = numberOf(span)
      if (typeof number === 'number') this.#rejected.add(number)
    }
    return BAD_REQUEST
  }

  poisoned(request: Buffer, every: number): boolean {
    for (const span of spansIn(request)) {
      const number = numberOf(span)
      if (typeof number === 'number' && number % every === 0) return true
    }
    return false
  }

  missing(size: number, acknowledged: Uint8Array): number {
    let missing = 0
    for (let index = 0; index < acknowledged.length; index++)
      if (acknowledged[index] === 1)
        for (let number = index * size; number < (index + 1) * size; number++)
          if (!this.#counts[number] && !this.#rejected.has(number)) missing++
    return missing
  }

  has(first: number, size: number): boolean {
    for (let number = first; number < first + size; number++) if (!this.#counts[number]) return false
    return true
  }

  ledger(): SinkLedger {
    return {
      counts: this.#counts,
      rejected: [...this.#rejected],
      altered: this.#altered,
      foreign: this.#foreign,
      unanswered: this.#unanswered,
      struck: Object.fromEntries(this.struck),
      marks: [...this.marks],
      returns: this.#returns,
    }
  }

  #add(number: number): void {
    if (number >= this.#counts.length) {
      const longer = new Uint8Array(2 ** Math.ceil(Math.log2(number + 1)))
      longer.set(this.#counts)
      this.#counts = longer
    }
    const count = this.#counts[number] as number
    if (count === 0) this.taken++
    if (count < MOST) this.#counts[number] = count + 1
  }
}
