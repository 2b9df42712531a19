/** Memory of messages that have come in part, over all connections of the process; their budgets are charged for it too. */
export const MOST_ARRIVING = 128 * 2 ** 20
/** Beyond this share of it, messages that make no progress are given up sooner. */
const TIGHT_SHARE = 0.5

/** The most that a connection gets of it, and so the largest message as sent: it may hold as much as it leaves free. */
export const MOST_OF_A_CONNECTION = MOST_ARRIVING / 2

/** What messages hold that their methods do not have yet: nobody may keep memory from others by sending half of something. */
export class ArrivingBytes {
  #held = 0

  get held(): number {
    return this.#held
  }

  get free(): number {
    return MOST_ARRIVING - this.#held
  }

  get isTight(): boolean {
    return this.#held > MOST_ARRIVING * TIGHT_SHARE
  }

  take(bytes: number): void {
    this.#held += bytes
  }

  give(bytes: number): void {
    this.#held -= bytes
  }
}

/** The process's. */
export const arrivingBytes = new ArrivingBytes()

/**
 * What the messages of one connection hold of it: as much as is left free at the most. Who takes all that is to be had gets half, the next such one a
 * quarter, and so on, so that there is always something for who asks for little.
 */
export class ArrivingShare {
  #held = 0

  /** Whether there was room. */
  take(bytes: number): boolean {
    if (this.#held + bytes > arrivingBytes.free - bytes) return false
    this.#held += bytes
    arrivingBytes.take(bytes)
    return true
  }

  give(bytes: number): void {
    this.#held -= bytes
    arrivingBytes.give(bytes)
  }
}
