import type { Duplex } from 'node:stream'

/** Small frames are gathered in pieces of so many bytes; the first of a connection is smaller, each has twice as many as the one before. */
const PIECE = 128 * 1024
const FIRST_PIECE = 512
/** What is at least so long is written from where it lies: to copy less costs less than a part of its own in a write. */
const BY_REFERENCE = 8 * 1024
/** Pieces of the full size that nobody needs just now, for all connections: fresh memory costs a fault for each of its pages. */
const MOST_SPARE = 16
const spare: Buffer[] = []

/**
 * What a session writes: all of a turn of the event loop leaves in one write. Small frames are copied next to each other, large payloads are
 * written from where they lie and must not change until `whenSent` says that they have left.
 */
export class Outbox {
  readonly #socket: Duplex
  #piece: Buffer = NOTHING
  #begin = 0
  #at = 0
  #parts: Buffer[] = []
  /** Pieces of the full size that were filled since the last write. */
  #filled: Buffer[] | undefined
  #isScheduled = false
  #waiting: (() => void)[] = []
  /** Of the last write, where it is under way. */
  #underway: (() => void)[] | undefined
  #pushed = 0
  #taken = 0

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Bytes that the system has not taken yet. */
  get unsent(): number {
    return this.written - this.#taken
  }

  /** All bytes that were ever put here. */
  get written(): number {
    return this.#pushed + (this.#at - this.#begin)
  }

  /** And those of them that the system has taken: what lay before `written` when it was as large is the caller's again. */
  get taken(): number {
    return this.#taken
  }

  /** Memory for a frame of at most so many bytes, no more than 16 KiB: it is written from `at` on, and `wrote` says up to where. */
  room(bytes: number): Buffer {
    if (this.#at + bytes > this.#piece.length) this.#renew(bytes)
    if (!this.#isScheduled) this.#schedule()
    return this.#piece
  }

  /** Where in the memory that `room` gave. */
  get at(): number {
    return this.#at
  }

  wrote(end: number): void {
    this.#at = end
  }

  /** Bytes behind what was written before. Those of at least 8 KiB are the caller's again when `whenSent` has run. */
  append(bytes: Buffer, start = 0, end = bytes.length): void {
    const length = end - start
    if (length < BY_REFERENCE) {
      const piece = this.room(length)
      bytes.copy(piece, this.#at, start, end)
      this.#at += length
      return
    }
    this.#cut()
    this.#push(length === bytes.length ? bytes : bytes.subarray(start, end))
    if (!this.#isScheduled) this.#schedule()
  }

  /** Runs `run` once the system has taken all that was written until now, or the socket has gone. */
  whenSent(run: () => void): void {
    this.#waiting.push(run)
    if (!this.#isScheduled) this.#schedule()
  }

  /** Writes what is there now instead of at the end of the turn. */
  flush(): void {
    this.#isScheduled = false
    this.#cut()
    const parts = this.#parts
    const waiting = this.#waiting
    // A list of its own, be it empty: what is to wait for a later write must not hear of this one.
    this.#waiting = []
    // To write behind the end would break what is still on its way, a GOAWAY as a rule.
    if (!this.#socket.writable) {
      this.#parts = []
      return waiting.forEach((run) => run())
    }
    if (parts.length === 0) {
      if (this.#underway) this.#underway.push(...waiting)
      else waiting.forEach((run) => run())
      return
    }
    this.#parts = []
    this.#write(parts, waiting)
  }

  #write(parts: readonly Buffer[], waiting: (() => void)[]): void {
    let bytes = 0
    for (const part of parts) bytes += part.length
    this.#underway = waiting
    const filled = this.#filled
    this.#filled = undefined
    const sent = () => {
      this.#taken += bytes
      if (filled && !this.#socket.destroyed)
        for (const piece of filled) if (spare.length < MOST_SPARE) spare.push(piece)
      // Nobody reads the piece any more: as a rule before the next turn, so that one piece lasts for long.
      if (this.#taken === this.#pushed && this.#at === this.#begin) this.#begin = this.#at = 0
      if (this.#underway === waiting) this.#underway = undefined
      for (const run of waiting) run()
    }
    const last = parts.length - 1
    if (last === 0) return void this.#socket.write(parts[0]!, sent)
    this.#socket.cork()
    for (let index = 0; index < last; index++) this.#socket.write(parts[index]!)
    this.#socket.write(parts[last]!, sent)
    this.#socket.uncork()
  }

  #renew(bytes: number): void {
    this.#cut()
    if (this.#piece.length === PIECE) (this.#filled ??= []).push(this.#piece)
    const size = Math.max(bytes, Math.min(PIECE, Math.max(FIRST_PIECE, this.#piece.length * 2)))
    this.#piece = (size === PIECE ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(size)
    this.#begin = this.#at = 0
  }

  #push(part: Buffer): void {
    this.#parts.push(part)
    this.#pushed += part.length
  }

  #cut(): void {
    if (this.#at > this.#begin) this.#push(this.#piece.subarray(this.#begin, this.#at))
    this.#begin = this.#at
  }

  readonly #turn = (): void => {
    if (this.#isScheduled) this.flush()
  }

  #schedule(): void {
    this.#isScheduled = true
    setImmediate(this.#turn)
  }
}

const NOTHING: Buffer = Buffer.allocUnsafeSlow(0)
