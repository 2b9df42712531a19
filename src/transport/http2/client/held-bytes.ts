import type { Outbox } from '../outbox.ts'
import type { Call } from './call.ts'
import { LIMITS } from './limits.ts'

/** Calls that are over while the system has not taken all of their bytes: these are the caller's again when it has, or the connection has gone. */
export class HeldBytes {
  readonly #outbox: Outbox
  readonly #stuck: () => void
  readonly #held = new Set<() => void>()

  /** `stuck`: the system takes nothing, so that the connection is to be given up. */
  constructor(outbox: Outbox, stuck: () => void) {
    this.#outbox = outbox
    this.#stuck = stuck
  }

  hold(call: Call): void {
    const release = call.hold()
    const stuck = setTimeout(this.#stuck, LIMITS.stuck).unref()
    const sent = () => {
      clearTimeout(stuck)
      if (this.#held.delete(sent)) release()
    }
    this.#held.add(sent)
    this.#outbox.whenSent(sent)
  }

  /** The connection has gone: nobody reads them any more. */
  release(): void {
    for (const sent of this.#held) sent()
  }
}
