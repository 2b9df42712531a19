import type { Connection } from './connection.ts'

/** A request and its answer, while it is under way and after. Times are the kernel's nanoseconds; 0 is not yet. */
export class Exchange<Q, A, T> {
  readonly connection: Connection
  readonly request: Q
  answer: A | undefined
  /** The request's first byte: read by a server, or when a client began to write it. */
  readonly start: number
  /** The last byte seen of it, in either direction. */
  end = 0
  /** Of whoever moved the request's first bytes. */
  readonly pid: number
  readonly tid: number
  /** Who moved the answer's first bytes. */
  answerTid = 0
  isOver = false
  /** The connection was closed in the middle of its answer. */
  isBrokenOff = false
  /** What the listener keeps with it. */
  trace: T | undefined
  /** Its place among the exchanges that a thread serves, and where the listener says it has one. */
  place = -1

  constructor(connection: Connection, request: Q, start: number, pid: number, tid: number) {
    this.connection = connection
    this.request = request
    this.start = start
    this.pid = pid
    this.tid = tid
  }
}

/** Who is told of exchanges. */
export interface ExchangeListener<Q, A, T> {
  /** A request's beginning was read: it is under way. */
  began(exchange: Exchange<Q, A, T>): void
  /** It is over: with its answer, or without one because the connection was closed. */
  ended(exchange: Exchange<Q, A, T>): void
  /** Nobody will know how it ended: it is no exchange any more. */
  lost(exchange: Exchange<Q, A, T>): void
}

/** What was seen and lost, and what is worth knowing. */
export interface Account {
  drop(reason: string, amount?: number): void
  note(what: string, amount?: number): void
}
