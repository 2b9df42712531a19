import { arrivingBytes } from './arriving-bytes.ts'

/** A message that arrives brings at least so many bytes from one look to the next; those are so far apart, in milliseconds. */
const LEAST_PROGRESS = 1024
const PROGRESS_PERIOD = 10_000
/** Where memory for what arrives is tight. */
const TIGHT_PERIOD = 1000

/** How long a message may take to come. Times in milliseconds on a clock that never jumps. */
export class Arrival {
  /** When all of it must be there, and when it must have brought something again. */
  #end = Infinity
  #look = Infinity
  /** Bytes that had come when it was looked at last. */
  #seen = 0

  /** When to look next. */
  get next(): number {
    return Math.min(this.#end, this.#look)
  }

  expect(now: number, patience: number, received: number): void {
    this.#end = now + patience
    this.#expectProgress(now, received)
  }

  /** `holds`: it keeps memory from others. */
  isSlow(now: number, received: number, holds: boolean): boolean {
    if (now >= this.#end) return true
    if (now < this.#look) return false
    if (holds && received - this.#seen < LEAST_PROGRESS) return true
    this.#expectProgress(now, received)
    return false
  }

  #expectProgress(now: number, received: number): void {
    this.#seen = received
    this.#look = now + (arrivingBytes.isTight ? TIGHT_PERIOD : PROGRESS_PERIOD)
  }
}
