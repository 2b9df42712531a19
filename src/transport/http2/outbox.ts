import type { Duplex } from 'node:stream'

/** Small frames are gathered in pieces of so many bytes. */
const PIECE = 16 * 1024
/** What is at least so long is written from where it lies, not copied. */
const BY_REFERENCE = 1024

/**
 * What a session writes: all of a turn of the event loop leaves in one write. Small frames are copied next to each other, large payloads are
 * written from where they lie and must not change until `onDrained` says that they have left.
 */
export class Outbox {
  readonly #socket: Duplex
  #piece = Buffer.allocUnsafeSlow(PIECE)
  #begin = 0
  #at = 0
  readonly #parts: Buffer[] = []
  #isScheduled = false
  #waiting: (() => void)[] = []
  #unsent = 0

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Bytes that the system has not taken yet. */
  get unsent(): number {
    return this.#unsent + (this.#at - this.#begin)
  }

  /** Room for a frame of at most `PIECE` bytes: it is written into `buffer` from `at` on, and `wrote` says up to where. */
  room(bytes: number): { readonly buffer: Buffer; readonly at: number } {
    if (this.#at + bytes > PIECE) {
      this.#cut()
      this.#piece = Buffer.allocUnsafeSlow(PIECE)
      this.#begin = this.#at = 0
    }
    this.#schedule()
    return { buffer: this.#piece, at: this.#at }
  }

  wrote(end: number): void {
    this.#at = end
  }

  /** Bytes behind what was written before. Those from `BY_REFERENCE` on are the caller's again when `whenSent` has run. */
  append(bytes: Buffer): void {
    if (bytes.length < BY_REFERENCE) {
      const { buffer, at } = this.room(bytes.length)
      bytes.copy(buffer, at)
      this.wrote(at + bytes.length)
      return
    }
    this.#cut()
    this.#push(bytes)
    this.#schedule()
  }

  /** Runs `run` once the system has taken all that was written until now, or the socket has gone. */
  whenSent(run: () => void): void {
    this.#waiting.push(run)
    this.#schedule()
  }

  /** Writes what is there now instead of at the end of the turn. */
  flush(): void {
    this.#isScheduled = false
    this.#cut()
    const parts = this.#parts.splice(0)
    const waiting = this.#waiting
    this.#waiting = []
    const bytes = this.#unsent
    if (this.#socket.destroyed || parts.length === 0) return waiting.forEach((run) => run())
    const sent = () => {
      this.#unsent -= bytes
      waiting.forEach((run) => run())
    }
    if (parts.length === 1) return void this.#socket.write(parts[0] as Buffer, sent)
    this.#socket.cork()
    const last = parts.length - 1
    for (let index = 0; index < last; index++) this.#socket.write(parts[index] as Buffer)
    this.#socket.write(parts[last] as Buffer, sent)
    this.#socket.uncork()
  }

  #push(part: Buffer): void {
    this.#parts.push(part)
    this.#unsent += part.length
  }

  #cut(): void {
    if (this.#at > this.#begin) this.#push(this.#piece.subarray(this.#begin, this.#at))
    this.#begin = this.#at
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#isScheduled && this.flush())
  }
}
