/** Memory of messages that have come in part, over all connections of the process; their budgets are charged for it too. */
export const MOST_ARRIVING = 128 * 2 ** 20
/** Beyond this share of it, messages that make no progress are given up sooner. */
const TIGHT_SHARE = 0.5

/** What messages hold that their methods do not have yet: nobody may keep memory from others by sending half of something. */
export class ArrivingBytes {
  #held = 0

  get held(): number {
    return this.#held
  }

  get isTight(): boolean {
    return this.#held > MOST_ARRIVING * TIGHT_SHARE
  }

  /** Whether there was room. */
  take(bytes: number): boolean {
    if (this.#held + bytes > MOST_ARRIVING) return false
    this.#held += bytes
    return true
  }

  give(bytes: number): void {
    this.#held -= bytes
  }
}

/** The process's. */
export const arrivingBytes = new ArrivingBytes()
