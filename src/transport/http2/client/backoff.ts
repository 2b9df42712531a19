/** gRPC's connection backoff (https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md), in milliseconds. */
const FIRST = 1000
const FACTOR = 1.6
const JITTER = 0.2
/** Below the longest wait of the sending layer, which sets the pace: a request fails at once while a connection must not be tried. */
const MOST = 3000

/** How long to leave a server alone that could not be reached. */
export class Backoff {
  readonly #random: () => number
  #next = FIRST

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** After one more failure. */
  delay(): number {
    const delay = this.#next
    this.#next = Math.min(delay * FACTOR, MOST)
    return delay * (1 + JITTER * (2 * this.#random() - 1))
  }

  reset(): void {
    this.#next = FIRST
  }
}
