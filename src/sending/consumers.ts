/** Most sends beyond the consumers; one more is made every few seconds for as long as a request may take. */
const MOST_BESIDE = 6

/**
 * How many sends may be under way at once: as many as there are consumers, and a few more beside those that hang. A backend may be back while
 * these wait for their timeouts on connections that are dead for ever: what comes next finds out, and then goes on beside them.
 */
export class Consumers {
  readonly #count: number
  #turns = 0
  #busy = 0
  /** One for each time that the backend was found silent since it last answered. */
  #probes = 0
  /** Sends of turns before `#since` that have not ended: they were there when a silence ended, and may hang still. */
  #hanging = 0
  #since = 0

  constructor(count: number) {
    this.#count = count
  }

  /** Sends that are under way. */
  get busy(): number {
    return this.#busy
  }

  get isFree(): boolean {
    return this.#busy < this.#count + Math.min(this.#probes + this.#hanging, MOST_BESIDE)
  }

  /** How many sends have begun. */
  get turns(): number {
    return this.#turns
  }

  /** A send begins; returns its turn. */
  begin(): number {
    this.#busy++
    return this.#turns++
  }

  end(turn: number): void {
    this.#busy--
    if (turn < this.#since) this.#hanging--
  }

  /** The backend gives no answer to what is under way: one more may try. */
  silent(): void {
    this.#probes = Math.min(this.#probes + 1, MOST_BESIDE)
  }

  /** It does again. */
  answered(): void {
    this.#probes = 0
    this.#hanging = this.#busy
    this.#since = this.#turns
  }
}
