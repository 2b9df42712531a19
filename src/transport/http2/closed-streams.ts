import { CONNECTION_WINDOW } from './receive-credit.ts'
import { STREAM_WINDOW } from './server-stream.ts'

/** Streams whose end is remembered, at least and at most; between them twice as many as a client may have open: of those frames may still be on the way. */
const LEAST_REMEMBERED = 128
const MOST_REMEMBERED = 4096

/** How streams ended: whoever ended it himself must not send on it, whoever was cut off may not know yet (RFC 9113, 5.1). */
export class ClosedStreams {
  readonly #ids: Int32Array
  #next = 0
  /** Bytes that may be on the way on streams that were cut. */
  #late = 0

  /** `mostStreams`: that the client may have open. */
  constructor(mostStreams: number) {
    this.#ids = new Int32Array(Math.min(MOST_REMEMBERED, Math.max(LEAST_REMEMBERED, 2 * mostStreams)))
  }

  /** `wasCut`: the client had not ended its side. */
  add(id: number, wasCut: boolean): void {
    this.#ids[this.#next] = wasCut ? -id : id
    this.#next = (this.#next + 1) % this.#ids.length
    if (wasCut) this.#late = Math.min(CONNECTION_WINDOW, this.#late + STREAM_WINDOW)
  }

  /** Whether so many bytes may come on streams that were cut: who writes all that a window lets out has much on the way when a request is refused. */
  bears(bytes: number): boolean {
    this.#late = Math.max(0, this.#late - bytes)
    return this.#late > 0
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
