import {
  ConnectionError,
  DATA,
  DEFAULT_FRAME,
  DEFAULT_WINDOW,
  END_STREAM,
  FLOW_CONTROL_ERROR,
  FRAME_HEAD,
  LARGEST_WINDOW,
  writeFrameHead,
} from './frames.ts'
import type { Outbox } from './outbox.ts'

/**
 * Bytes that may wait for the system at the same time, of bodies: the rest stays where it can still be taken back, and streams take turns
 * behind them.
 */
export const MOST_UNSENT = 1024 * 1024

/** What a stream sends. Its window counts from its beginning, also while there is nothing to send. */
export interface Sending {
  readonly id: number
  /** Credit in bytes that the peer has given it; below zero where a setting has taken some back. */
  window: number
  readonly body: Body
}

/** A row of buffers, sent as DATA frames of any size. */
export class Body {
  readonly #parts: readonly Buffer[]
  readonly #endsStream: boolean
  #part = 0
  #offset = 0
  left: number
  /** Runs once, when its last frame is in the outbox: what `whenSent` is told there is after it. */
  readonly written: () => void

  constructor(parts: readonly Buffer[], endsStream: boolean, written: () => void) {
    this.#parts = parts
    this.#endsStream = endsStream
    this.written = written
    this.left = 0
    for (const part of parts) this.left += part.length
  }

  /** Writes the next frame, of `length` bytes. */
  write(outbox: Outbox, stream: number, length: number): void {
    this.left -= length
    const flags = this.left === 0 && this.#endsStream ? END_STREAM : 0
    const head = outbox.room(FRAME_HEAD)
    outbox.wrote(writeFrameHead(head, outbox.at, length, DATA, flags, stream))
    for (let rest = length; rest > 0;) {
      const part = this.#parts[this.#part] as Buffer
      const end = Math.min(part.length, this.#offset + rest)
      rest -= end - this.#offset
      if (end > this.#offset) outbox.append(part, this.#offset, end)
      this.#offset = end
      if (end < part.length) continue
      this.#part++
      this.#offset = 0
    }
  }
}

/**
 * The bodies that a session sends, as far as the windows of the connection and of each stream let it (RFC 9113, 5.2). What they do not let out
 * waits, and streams that wait take turns.
 */
export class SendWindows {
  readonly #outbox: Outbox
  readonly #waiting = new Set<Sending>()
  #connection = DEFAULT_WINDOW
  #isFull = false
  #sent = 0
  /** The peer's setting. */
  frame = DEFAULT_FRAME

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  /** Streams whose bodies have not left entirely. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** DATA frames that were sent since this was asked last: a peer may give credit for each. */
  takeSent(): number {
    const sent = this.#sent
    this.#sent = 0
    return sent
  }

  /** Sends the body, all or what may leave; an empty one is a frame, too. */
  begin(sending: Sending): void {
    if (this.#waiting.size > 0 || !this.#send(sending)) this.#waiting.add(sending)
    if (this.#waiting.size > 1) this.#resume()
  }

  /** Whether a frame of so many bytes may leave at once, which is the caller's to write then. */
  take(sending: { window: number }, bytes: number): boolean {
    if (this.#waiting.size > 0 || this.#isFull || sending.window < bytes || this.#connection < bytes) return false
    sending.window -= bytes
    this.#connection -= bytes
    this.#sent++
    return true
  }

  /** Nothing further of the body is sent. Whether any of it had been left. */
  drop(sending: Sending): boolean {
    return this.#waiting.delete(sending)
  }

  /** The connection has gone: nothing waits any longer. */
  clear(): void {
    this.#waiting.clear()
  }

  /** Credit for the connection. */
  credit(bytes: number): void {
    if (this.#connection + bytes > LARGEST_WINDOW)
      throw new ConnectionError(FLOW_CONTROL_ERROR, 'the window of the connection overflows')
    this.#connection += bytes
    this.#resume()
  }

  /** Credit for a stream. False where its window overflows, which ends the stream (RFC 9113, 6.9.1). */
  creditStream(sending: Sending, bytes: number): boolean {
    if (sending.window + bytes > LARGEST_WINDOW) return false
    sending.window += bytes
    if (this.#waiting.has(sending)) this.#resume()
    return true
  }

  /** The peer's SETTINGS_INITIAL_WINDOW_SIZE changes the windows of the streams that are open (RFC 9113, 6.9.2). */
  shift(streams: Iterable<{ window: number }>, difference: number): void {
    for (const stream of streams) {
      stream.window += difference
      if (stream.window > LARGEST_WINDOW)
        throw new ConnectionError(FLOW_CONTROL_ERROR, 'a setting makes the window of a stream overflow')
    }
    if (difference > 0) this.#resume()
  }

  /** Each that waits gets its turn, in order; those that still wait stand behind the others then. */
  #resume(): void {
    let turns = this.#waiting.size
    if (turns === 0) return
    for (const sending of this.#waiting) {
      if (turns-- === 0 || this.#isFull || this.#connection <= 0) return
      if (!this.#waiting.delete(sending)) continue
      if (!this.#send(sending)) this.#waiting.add(sending)
    }
  }

  /** Whether all of it has gone. */
  #send(sending: Sending): boolean {
    const { body } = sending
    for (;;) {
      const length = Math.max(0, Math.min(body.left, this.frame, sending.window, this.#connection))
      if (this.#isFull || (length === 0 && body.left > 0)) return false
      this.#connection -= length
      sending.window -= length
      this.#sent++
      body.write(this.#outbox, sending.id, length)
      if (this.#outbox.unsent >= MOST_UNSENT) this.#fill()
      if (body.left > 0) continue
      body.written()
      return true
    }
  }

  #fill(): void {
    this.#isFull = true
    this.#outbox.whenSent(() => {
      this.#isFull = false
      this.#resume()
    })
  }
}
