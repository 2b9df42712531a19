/** Bytes that messages may take before their methods have them, arriving and inflated, over all connections of a server; no budget knows of them. */
export const MOST_INFLATED = 256 * 2 ** 20

/** What messages take that are not handed to their methods yet. */
export class InflatedBytes {
  #held = 0

  /** Whether there was room. */
  take(bytes: number): boolean {
    if (this.#held + bytes > MOST_INFLATED) return false
    this.#held += bytes
    return true
  }

  give(bytes: number): void {
    this.#held -= bytes
  }
}

/** The one message of a call, until its method has it: counts what it takes, also where the call ends while it is inflated. */
export class ArrivingMessage {
  readonly #all: InflatedBytes
  #held = 0
  #isInflating = false
  #isOver = false

  constructor(all: InflatedBytes) {
    this.#all = all
  }

  /** Runs `inflate`, which asks `take` before it uses memory and says `give` when it does not any more. */
  async inflating<T>(inflate: () => Promise<T>): Promise<T> {
    this.#isInflating = true
    let isDone = false
    try {
      const inflated = await inflate()
      isDone = true
      return inflated
    } finally {
      this.#isInflating = false
      if (!isDone || this.#isOver) this.give()
    }
  }

  /** False where there is no room, or nobody waits for the message any more. */
  take(bytes: number): boolean {
    if (this.#isOver || !this.#all.take(bytes)) return false
    this.#held += bytes
    return true
  }

  give(): void {
    this.#all.give(this.#held)
    this.#held = 0
  }

  /** The method has it, or the call has ended. */
  end(): void {
    this.#isOver = true
    if (!this.#isInflating) this.give()
  }
}
