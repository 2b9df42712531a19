import { ConnectionError, FLOW_CONTROL_ERROR } from './frames.ts'

/** Bytes that a connection may have on the way to us. They go straight into memory of their methods, or nowhere. */
export const CONNECTION_WINDOW = 16 * 2 ** 20
/** Credit is given back in pieces of at least so many bytes. */
const LEAST_UPDATE = 4 * 2 ** 20
/** While messages of so many bytes are with their methods and not answered, a connection is given no further credit. */
const MOST_UNANSWERED = 16 * 2 ** 20
/** With less credit nobody sends on: it is no more than a frame. */
const LEAST_WINDOW = 16 * 1024

/**
 * What a connection may still send us (RFC 9113, 5.2). Bytes of messages that are arriving are given back at once, so that half of a message never
 * keeps the other half out; once messages are with their methods, further ones wait in the client until those are answered.
 */
export class ReceiveCredit {
  #window = CONNECTION_WINDOW
  #owed = 0
  #unanswered = 0

  /** A DATA frame has come, of whatever use. */
  received(bytes: number): void {
    if (bytes > this.#window)
      throw new ConnectionError(FLOW_CONTROL_ERROR, 'more came than the connection had credit for')
    this.#window -= bytes
    this.#owed += bytes
  }

  handedOver(bytes: number): void {
    this.#unanswered += bytes
  }

  answered(bytes: number): void {
    this.#unanswered -= bytes
  }

  /** Whether the client has next to none, and waits for us: we withhold it for no other reason than what is unanswered. */
  get isExhausted(): boolean {
    return this.#window < LEAST_WINDOW
  }

  /** Credit to give back now; 0 where it is not time. */
  due(): number {
    if (this.#owed < LEAST_UPDATE || this.#unanswered > MOST_UNANSWERED) return 0
    const bytes = this.#owed
    this.#owed = 0
    this.#window += bytes
    return bytes
  }
}
