import { compileSteps, Malformed, Overdrawn, runSteps } from '../../plugin.ts'
import type { Batch, Clock, Program, Signal, Tapped } from '../../plugin.ts'
import { recordLines } from './record-lines.ts'
import { siftingSteps } from './tap-request.ts'
import type { TapRequest } from './tap-request.ts'

/** Bytes that may wait for a slow looker; what comes beyond is not shown to him. */
export const MOST_WAITING_BYTES = 256 * 1024
/** Larger batches, before and after sifting, are not looked into: the pipeline would stand still meanwhile. */
const LARGEST_BATCH_BYTES = 16 * 1024 * 1024
const LARGEST_SHOWN_BYTES = 1024 * 1024
/** Milliseconds of each second that looking may take from the pipelines. */
const BUSY_MS = 50
const SECOND_MS = 1_000

/** One who looks: takes out of batches what he wants, as much as a second allows, and knows what he did not see. */
export class Looker {
  readonly #wanted: TapRequest
  readonly #clock: Clock
  readonly #waiting: () => number
  readonly #write: (line: object) => void
  readonly #programs = new Map<Signal, Program>()
  #second: number
  #left: number
  #busy = 0
  /** Items that were not looked into or were too many, and those that nobody was there to read. */
  #skipped = 0
  #lost = 0

  constructor(wanted: TapRequest, clock: Clock, waiting: () => number, write: (line: object) => void) {
    this.#wanted = wanted
    this.#clock = clock
    this.#waiting = waiting
    this.#write = write
    this.#second = clock.monotonic()
    this.#left = wanted.limit
  }

  show(tapped: Tapped): void {
    const { batch } = tapped
    this.#turn()
    if (this.#waiting() > MOST_WAITING_BYTES) this.#lost += batch.items
    else if (this.#left === 0 || this.#busy > BUSY_MS || batch.bytes > LARGEST_BATCH_BYTES) this.#skipped += batch.items
    else {
      const began = performance.now()
      this.#look(tapped)
      this.#busy += performance.now() - began
    }
  }

  tick(): void {
    this.#turn()
    if (this.#skipped === 0 && this.#lost === 0) return
    this.#write({ skipped: this.#skipped, lost: this.#lost })
    this.#skipped = this.#lost = 0
  }

  #turn(): void {
    const now = this.#clock.monotonic()
    if (now - this.#second < SECOND_MS) return
    this.#second = now
    this.#left = this.#wanted.limit
    this.#busy = 0
  }

  #look({ pipeline, from, to, batch }: Tapped): void {
    const { signal, items } = batch
    const skipped = this.#skipped
    const left = this.#left
    let sifted: Batch | undefined
    try {
      sifted = runSteps(this.#program(signal), batch).batch
      if (sifted === undefined) return
      if (sifted.bytes <= LARGEST_SHOWN_BYTES) {
        for (const line of recordLines(sifted)) this.#write({ pipeline, from, to, signal, ...line })
        return
      }
      this.#left = left
    } catch (error) {
      // Data that is no data is the pipeline's to refuse, and memory is the pipeline's first.
      if (!(error instanceof Malformed || error instanceof Overdrawn)) throw error
    } finally {
      sifted?.release()
    }
    this.#skipped = skipped + items
  }

  #program(signal: Signal): Program {
    let program = this.#programs.get(signal)
    if (program === undefined) {
      program = compileSteps(
        signal,
        siftingSteps(signal, this.#wanted, () => this.#take()),
      )
      this.#programs.set(signal, program)
    }
    return program
  }

  #take(): boolean {
    if (this.#left > 0) {
      this.#left--
      return true
    }
    this.#skipped++
    return false
  }
}
