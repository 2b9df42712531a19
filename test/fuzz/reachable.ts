import { Finding } from './target.ts'

/** What is reachable in this process, held against what was at first. Tells nothing where the garbage collector cannot be called. */
export class Reachable {
  readonly #mostGrowth: number
  #first: number | undefined

  /** `mostGrowth`: bytes. */
  constructor(mostGrowth: number) {
    this.#mostGrowth = mostGrowth
  }

  look(): void {
    if (!globalThis.gc) return
    globalThis.gc()
    const { heapUsed, external } = process.memoryUsage()
    this.#first ??= heapUsed + external
    if (heapUsed + external - this.#first > this.#mostGrowth)
      throw new Finding('leak', `${heapUsed + external} bytes are reachable, ${this.#first} were at first`)
  }
}
