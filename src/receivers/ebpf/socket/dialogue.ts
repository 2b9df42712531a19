import { type Connection, CLIENT, SERVER, UNKNOWN } from './connection.ts'
import { DIRECTION_OUT, SOCKET_DATA as AT, SOCKET_DATA_BYTES } from './event.ts'
import { type Account, Exchange, type ExchangeListener } from './exchange.ts'
import {
  ANSWER,
  type Answer,
  type Beginning,
  BROKEN,
  ENDED,
  IDLE,
  NEITHER,
  OPEN,
  type Parser,
  type Protocol,
  READING,
  REQUEST,
  UNCLEAR,
} from './protocol.ts'
import { pidOf, tidOf, timeOf, unsigned64 } from '../event.ts'

/** Requests of one connection that wait for their answers. */
export const PIPELINED_MOST = 128
/** An answer whose head was cut is over when nothing of it came for so long. It ended with its last byte all the same. */
export const CUT_QUIET_NS = 5e9
/** So long an answer is waited for. */
export const ANSWER_WAIT_NS = 300e9

/**
 * What was said over one connection: which request each answer belongs to. Answers come in the order of the requests, so one that was not
 * seen puts all behind it in doubt. Then nothing is paired until a request begins with a clean slate, and never again where the client
 * did not wait for its answers: no exchange is better than a wrong one.
 */
export class Dialogue<Q, A extends Answer, T> {
  readonly connection: Connection
  /** When something was last seen of it. */
  time = 0
  readonly #protocol: Protocol<Q, A>
  readonly #listener: ExchangeListener<Q, A, T>
  readonly #account: Account
  readonly #requests: Parser<Q, Q>
  readonly #answers: Parser<A, Q>
  /** Those without an answer, or whose answer is being read: the oldest first. */
  readonly #waiting: Exchange<Q, A, T>[] = []
  /** The one whose request is being read. */
  #asking: Exchange<Q, A, T> | undefined
  /** Whether the next byte's place in its message is known, in each direction. */
  #followsRequests = false
  #followsAnswers = false
  /** The next event's number; -1 before the first. */
  #expected = -1
  /** When the request that is being read began. */
  #start = 0
  /** The client asks before it was answered. */
  #isPipelined = false
  #isLetBe = false
  /** Nothing came yet behind the head of the answer that is being read. */
  #isBodyUnseen = false
  /** Where the last request ended was not seen, and it is not answered yet. */
  #isEndUnsure = false
  /** When an answer came that nobody waited for. */
  #unasked = 0

  constructor(connection: Connection, protocol: Protocol<Q, A>, listener: ExchangeListener<Q, A, T>, account: Account) {
    this.connection = connection
    this.#protocol = protocol
    this.#listener = listener
    this.#account = account
    this.#requests = protocol.request()
    this.#answers = protocol.response()
  }

  /** An event of data, whose lengths were checked. */
  data(event: Buffer, at: number): void {
    if (!this.#isNext(event.readUInt32LE(at + AT.sequence))) return
    this.time = timeOf(event, at)
    if (this.#isLetBe) return
    const { connection } = this
    connection.movedBy(event, at)
    const direction = event[at + AT.direction]!
    if (connection.role === UNKNOWN && !this.#recognise(event, at, direction)) return
    if (connection.asksBy(direction)) this.#asked(event, at, direction)
    else this.#answered(event, at)
  }

  /** The connection is gone: what has no answer will have none. */
  close(sequence: number, time: number): void {
    if (!this.#isNext(sequence) || this.#isLetBe) return
    while (this.#waiting.length > 0) {
      const oldest = this.#waiting[0]!
      if (!oldest.answer) oldest.end = Math.max(time, oldest.end)
      // Of a body that no hook saw anything of, nobody knows.
      else if (this.#answers.state === READING && !this.#isBodyUnseen) oldest.isBrokenOff = true
      this.#finish(oldest)
    }
  }

  /** Lets go of what waited too long. */
  tick(now: number): void {
    const oldest = this.#waiting[0]
    if (!oldest) return
    const patience = oldest.answer?.isCut ? CUT_QUIET_NS : ANSWER_WAIT_NS
    if (now - this.time <= patience) return
    if (oldest.answer) this.#finish(oldest)
    this.#lose('answer_overdue')
  }

  /** It is no longer looked at. */
  abandon(reason: string): void {
    this.#lose(reason)
  }

  /** Events are numbered: one that is missing puts all in doubt. Two that moved data in the same instant may share a number. */
  #isNext(sequence: number): boolean {
    const ahead = this.#expected < 0 ? 0 : (sequence - this.#expected) | 0
    if (ahead === -1) return true
    if (ahead < 0 && ahead > -LATE_MOST) {
      this.#account.note('late_events')
      this.#lose('out_of_order')
      return false
    }
    if (ahead !== 0) {
      this.#account.note('sequence_gaps')
      this.#lose('events_missing')
    }
    this.#expected = (sequence + 1) >>> 0
    return true
  }

  /** Whether requests come in or go out, by how the first message begins. */
  #recognise(event: Buffer, at: number, direction: number): boolean {
    const beginning = this.#beginning(event, at)
    if (beginning === NEITHER) return false
    const asks = beginning !== ANSWER
    this.connection.role = asks === (direction === DIRECTION_OUT) ? CLIENT : SERVER
    return true
  }

  /** What begins with this event. What begins later in a run follows something, and may be the second of two. */
  #beginning(event: Buffer, at: number): Beginning {
    const captured = event.readUInt16LE(at + AT.captured)
    if (captured === 0 || event.readUInt32LE(at + AT.run) !== 0) return NEITHER
    const from = at + SOCKET_DATA_BYTES
    return this.#protocol.detect(event, from, from + captured)
  }

  #asked(event: Buffer, at: number, direction: number): void {
    const start = direction === DIRECTION_OUT ? began(event, at) : this.time
    if (!this.#followsRequests) {
      const beginning = this.#beginning(event, at)
      if (beginning !== REQUEST && beginning !== UNCLEAR) return
      if (start < this.#unasked) return this.#account.drop('out_of_order')
      this.#requests.reset()
      this.#followsRequests = true
    }
    const captured = event.readUInt16LE(at + AT.captured)
    const from = at + SOCKET_DATA_BYTES
    this.#readRequests(event, at, start, from, from + captured)
    const unseen = event.readUInt32LE(at + AT.bytes) - captured
    if (unseen === 0) return
    const tail = Math.min(event[at + AT.tail_bytes]!, unseen)
    this.#skipRequests(event, at, unseen - tail)
    const tailEnd = at + AT.tail + event[at + AT.tail_bytes]!
    this.#readRequests(event, at, start, tailEnd - tail, tailEnd)
  }

  #readRequests(event: Buffer, at: number, start: number, from: number, to: number): void {
    const requests = this.#requests
    while (from < to && this.#followsRequests) {
      if (requests.state === IDLE) this.#start = start
      const next = requests.read(event, from, to, undefined)
      if (next <= from && requests.state !== BROKEN) return this.#lose('unreadable')
      from = next
      this.#afterRequestBytes(event, at)
    }
  }

  #skipRequests(event: Buffer, at: number, count: number): void {
    const requests = this.#requests
    while (count > 0 && this.#followsRequests) {
      // A request that begins unseen: its answer would be taken for another's.
      if (requests.state === IDLE) return this.#headNotCaptured()
      count -= requests.skip(count, undefined)
      this.#afterRequestBytes(event, at)
    }
  }

  #afterRequestBytes(event: Buffer, at: number): void {
    const { state, message } = this.#requests
    if (state === BROKEN) return this.#notUnderstood()
    if (message !== undefined && !this.#asking && state !== IDLE) this.#begin(message, event, at)
    if (this.#asking) this.#asking.end = this.time
    if (state === OPEN) {
      // Others may follow that cannot be seen.
      if (this.#waiting.length > 1) return this.#headNotCaptured()
      this.#isEndUnsure = true
    }
    if (state !== ENDED) return
    this.#asking = undefined
    this.#requests.reset()
  }

  #begin(request: Q, event: Buffer, at: number): void {
    const oldest = this.#waiting[0]
    if (oldest?.answer && this.#answers.state === OPEN) {
      // The client has had its answer, or it would not ask again.
      this.#finish(oldest)
      this.#answers.reset()
      this.#followsAnswers = false
    } else if (oldest && !oldest.answer) this.#isPipelined = true
    // Between two requests of which nobody knows where the first ended, there may have been others.
    if (this.#waiting.length > 0 && this.#isEndUnsure) return this.#headNotCaptured()
    if (this.#waiting.length >= PIPELINED_MOST) {
      this.#lose('too_many_pipelined')
      return
    }
    const exchange = new Exchange<Q, A, T>(this.connection, request, this.#start, pidOf(event, at), tidOf(event, at))
    exchange.end = this.time
    this.#asking = exchange
    this.#waiting.push(exchange)
    this.#listener.began(exchange)
  }

  #answered(event: Buffer, at: number): void {
    if (!this.#followsAnswers && !this.#findAnswer(event, at)) return
    this.#endUnseenBody(event, at)
    const captured = event.readUInt16LE(at + AT.captured)
    const from = at + SOCKET_DATA_BYTES
    this.#readAnswers(event, at, from, from + captured)
    const unseen = event.readUInt32LE(at + AT.bytes) - captured
    if (unseen <= 0) return
    const tail = Math.min(event[at + AT.tail_bytes]!, unseen)
    this.#skipAnswers(unseen - tail)
    const tailEnd = at + AT.tail + event[at + AT.tail_bytes]!
    this.#readAnswers(event, at, tailEnd - tail, tailEnd)
  }

  /** Whether an answer begins here that somebody waits for. */
  #findAnswer(event: Buffer, at: number): boolean {
    const beginning = this.#beginning(event, at)
    const isAnswer = beginning === ANSWER || beginning === UNCLEAR
    if (this.#waiting.length === 0) {
      if (isAnswer) this.#answerUnasked()
      return false
    }
    if (!isAnswer) {
      this.#lose('answer_not_captured')
      return false
    }
    this.#answers.reset()
    return (this.#followsAnswers = true)
  }

  /** A body of which no hook saw anything go (some send files past all of them): the next answer says that it is over. */
  #endUnseenBody(event: Buffer, at: number): void {
    if (!this.#isBodyUnseen || this.#answers.state !== READING || this.#waiting.length < 2) return
    if (this.#beginning(event, at) !== ANSWER) return
    this.#account.note('bodies_unseen')
    this.#finish(this.#waiting[0]!)
    this.#answers.reset()
  }

  #readAnswers(event: Buffer, at: number, from: number, to: number): void {
    const answers = this.#answers
    while (from < to && this.#followsAnswers) {
      const exchange = this.#waiting[0]
      if (!exchange) return this.#answerUnasked()
      if (this.time < exchange.start) return this.#lose('out_of_order')
      if (answers.state === IDLE) exchange.answerTid = tidOf(event, at)
      const next = answers.read(event, from, to, exchange.request)
      if (next <= from && answers.state !== BROKEN) return this.#lose('unreadable')
      from = next
      this.#afterAnswerBytes(exchange)
    }
  }

  #skipAnswers(count: number): void {
    const answers = this.#answers
    while (count > 0 && this.#followsAnswers) {
      const exchange = this.#waiting[0]
      if (!exchange) return this.#answerUnasked()
      if (answers.state === IDLE) return this.#lose('answer_not_captured')
      count -= answers.skip(count, exchange.request)
      this.#afterAnswerBytes(exchange)
    }
  }

  #afterAnswerBytes(exchange: Exchange<Q, A, T>): void {
    const { state, message } = this.#answers
    if (state === BROKEN) return this.#notUnderstood()
    exchange.end = this.time
    this.#isBodyUnseen = false
    if (message !== undefined && !message.isInterim && !exchange.answer) this.#takeAnswer(exchange, message)
    // Where the next answer begins cannot be seen.
    if (state === OPEN && this.#waiting.length > 1) return this.#headNotCaptured()
    if (state !== ENDED) return
    this.#answers.reset()
    if (!message || message.isInterim) return this.#account.note('interim_answers')
    this.#finish(exchange)
    if (message.endsProtocol) this.#letBe()
  }

  #takeAnswer(exchange: Exchange<Q, A, T>, answer: A): void {
    exchange.answer = answer
    this.#isBodyUnseen = true
    // A request whose end could not be seen is over when it is answered.
    if (this.#asking !== exchange || this.#requests.state !== OPEN) return
    this.#asking = undefined
    this.#requests.reset()
    this.#followsRequests = false
  }

  #finish(exchange: Exchange<Q, A, T>): void {
    this.#waiting.shift()
    if (this.#waiting.length === 0) this.#isEndUnsure = false
    exchange.isOver = true
    this.#listener.ended(exchange)
  }

  /** It began before anybody looked, or its request was lost. */
  #answerUnasked(): void {
    this.#account.note('answers_without_request')
    this.#unasked = this.time
    this.#lose('out_of_order')
  }

  #notUnderstood(): void {
    // The first bytes were taken for a request, and are none.
    if (this.#waiting.length === 0) this.connection.role = UNKNOWN
    this.#account.drop('unreadable')
    this.#lose('unreadable')
  }

  #headNotCaptured(): void {
    if (this.#waiting.length > 0) this.#isPipelined = true
    this.#lose('head_not_captured')
  }

  #lose(reason: string): void {
    if (this.#waiting.length > 0) this.#account.drop(reason, this.#waiting.length)
    for (const exchange of this.#waiting) {
      exchange.isOver = true
      this.#listener.lost(exchange)
    }
    this.#waiting.length = 0
    this.#isEndUnsure = false
    this.#asking = undefined
    this.#requests.reset()
    this.#answers.reset()
    this.#followsRequests = false
    this.#followsAnswers = false
    if (this.#isPipelined) this.#letBe()
  }

  /** Nothing more is read of this connection. */
  #letBe(): void {
    if (this.#isLetBe) return
    this.#isLetBe = true
    this.#account.note('connections_let_be')
    this.#lose('let_be')
  }
}

/** So far behind, a number belongs to an event that came late; further, the counting began anew. */
const LATE_MOST = 64

/** When the call began; it cannot have begun after it ended. */
function began(event: Buffer, at: number): number {
  const time = timeOf(event, at)
  const began = unsigned64(event, at + AT.began)
  return began > 0 && began < time ? began : time
}
