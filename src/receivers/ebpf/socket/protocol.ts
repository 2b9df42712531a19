/**
 * A protocol of requests and answers over a byte stream. Connections know how chunks follow one another and pair answers with requests, first
 * come, first served; a protocol knows where a message begins and ends and what stands in it. A new one is a folder of `protocols/` and
 * nothing else here.
 */
export interface Protocol<Q, A extends Answer> {
  /** As users know it: `http`. */
  readonly name: string
  /** `PROTOCOL_…` of `bpf/socket/event.h`, by which the kernel's side tells it. */
  readonly id: number
  /** What begins with the bytes from `from` to `to`, which may be all of it or the first piece. Bytes may be anything. */
  detect(bytes: Buffer, from: number, to: number): Beginning
  /** What reads the requests of one connection. */
  request(): Parser<Q, Q>
  /** What reads its answers. */
  response(): Parser<A, Q>
}

export const NEITHER = 0
export const REQUEST = 1
export const ANSWER = 2
/** Too few bytes to tell: with more it may be one or the other. */
export const UNCLEAR = 3
export type Beginning = typeof NEITHER | typeof REQUEST | typeof ANSWER | typeof UNCLEAR

/** What connections must know of an answer. */
export interface Answer {
  /** It is not yet the answer (100 Continue). */
  readonly isInterim: boolean
  /** Behind it, the connection speaks something else (101 Switching Protocols). */
  readonly endsProtocol: boolean
  /** Not all that says where it ends was captured: it may be over already. */
  readonly isCut: boolean
}

/** No byte of a message yet. */
export const IDLE = 0
/** Within a message. */
export const READING = 1
/** The message is over: `read` stopped behind its last byte. */
export const ENDED = 2
/** What else comes in this direction is taken to belong to the message, whose end may have gone by unseen, and others with it. */
export const OPEN = 3
/** These bytes are not of this protocol, or nobody could follow them. */
export const BROKEN = 4
export type ParserState = typeof IDLE | typeof READING | typeof ENDED | typeof OPEN | typeof BROKEN

/**
 * Reads the messages of one direction, one after the other, and keeps what it needs between chunks. Bytes lie in a buffer that is used
 * again: what is kept is copied.
 */
export interface Parser<M, Q> {
  readonly state: ParserState
  /** Known as soon as what is said about it at its beginning was read, or as much of that as there will be. */
  readonly message: M | undefined
  /**
   * Reads on from `from`, up to `to` or to the end of the message; returns where it stopped. `asked` is what this would be the answer to,
   * where that is known.
   */
  read(bytes: Buffer, from: number, to: number, asked: Q | undefined): number
  /** As many bytes went by unseen. Returns how many of them belong to the message: fewer where it ended among them. */
  skip(count: number, asked: Q | undefined): number
  /** Forgets the message, for the next one. */
  reset(): void
}
