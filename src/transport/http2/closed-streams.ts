/** Streams whose end is remembered. Those of which frames may still be on the way are no more than a client may have open. */
const REMEMBERED = 128

/** How streams ended: whoever ended it himself must not send on it, whoever was cut off may not know yet (RFC 9113, 5.1). */
export class ClosedStreams {
  readonly #ids = new Int32Array(REMEMBERED)
  #next = 0

  /** `wasCut`: the client had not ended its side. */
  add(id: number, wasCut: boolean): void {
    this.#ids[this.#next] = wasCut ? -id : id
    this.#next = (this.#next + 1) % REMEMBERED
  }

  /** Undefined where it is long ago, or never was. */
  find(id: number): 'cut' | 'ended' | undefined {
    if (this.#ids.includes(-id)) return 'cut'
    return this.#ids.includes(id) ? 'ended' : undefined
  }

  /** The client has ended it after all: what it sends from now on it must not send. */
  end(id: number): void {
    const at = this.#ids.indexOf(-id)
    if (at >= 0) this.#ids[at] = id
  }
}
