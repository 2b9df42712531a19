import { type Connection, CLIENT, SERVER, UNKNOWN } from './connection.ts'
import type { DataEvent } from './data-event.ts'
import { DIRECTION_OUT } from './event.ts'
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
import { AGAIN, follows, LATE, NEXT } from './sequence.ts'
import { Waiting } from './waiting.ts'

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
  readonly #waiting = new Waiting<Exchange<Q, A, T>>()
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
  data(event: DataEvent): void {
    if (!this.#isNext(event.sequence)) return
    this.time = event.time
    if (this.#isLetBe) return
    const { connection } = this
    connection.movedBy(event.pid, event.buffer, event.at)
    if (connection.role === UNKNOWN && !this.#recognise(event)) return
    if (connection.asksBy(event.direction)) this.#asked(event)
    else this.#answered(event)
  }

  /** The connection is gone: what has no answer will have none. */
  close(sequence: number, time: number): void {
    if (!this.#isNext(sequence) || this.#isLetBe) return
    for (let { oldest } = this.#waiting; oldest; { oldest } = this.#waiting) {
      if (!oldest.answer) oldest.end = Math.max(time, oldest.end)
      // Of a body that no hook saw anything of, nobody knows.
      else if (this.#answers.state === READING && !this.#isBodyUnseen) oldest.isBrokenOff = true
      this.#finish(oldest)
    }
  }

  /** Lets go of what waited too long. */
  tick(now: number): void {
    const { oldest } = this.#waiting
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

  /** Events are numbered: one that is missing puts all in doubt. */
  #isNext(sequence: number): boolean {
    const place = follows(this.#expected, sequence)
    if (place === AGAIN) return true
    if (place !== NEXT) {
      this.#account.note(place === LATE ? 'late_events' : 'sequence_gaps')
      this.#lose(place === LATE ? 'out_of_order' : 'events_missing')
      if (place === LATE) return false
    }
    this.#expected = (sequence + 1) >>> 0
    return true
  }

  /** Whether requests come in or go out, by how the first message begins. */
  #recognise(event: DataEvent): boolean {
    const beginning = this.#beginning(event)
    if (beginning === NEITHER) return false
    const asks = beginning !== ANSWER
    this.connection.role = asks === (event.direction === DIRECTION_OUT) ? CLIENT : SERVER
    return true
  }

  /** What begins with this event. What begins later in a run follows something, and may be the second of two. */
  #beginning({ buffer, from, captured, isFirst }: DataEvent): Beginning {
    return captured > 0 && isFirst ? this.#protocol.detect(buffer, from, from + captured) : NEITHER
  }

  #asked(event: DataEvent): void {
    const start = event.direction === DIRECTION_OUT ? event.began : event.time
    if (!this.#followsRequests) {
      const beginning = this.#beginning(event)
      if (beginning !== REQUEST && beginning !== UNCLEAR) return
      if (start < this.#unasked) return this.#account.drop('out_of_order')
      this.#requests.reset()
      this.#followsRequests = true
    }
    const { from, captured } = event
    this.#readRequests(event, start, from, from + captured)
    const unseen = event.bytes - captured
    if (unseen === 0) return
    const { tail, tailEnd } = event
    this.#skipRequests(event, unseen - tail)
    this.#readRequests(event, start, tailEnd - tail, tailEnd)
  }

  #readRequests(event: DataEvent, start: number, from: number, to: number): void {
    const requests = this.#requests
    while (from < to && this.#followsRequests) {
      if (requests.state === IDLE) this.#start = start
      const next = requests.read(event.buffer, from, to, undefined)
      if (next <= from && requests.state !== BROKEN) return this.#lose('unreadable')
      from = next
      this.#afterRequestBytes(event)
    }
  }

  #skipRequests(event: DataEvent, count: number): void {
    const requests = this.#requests
    while (count > 0 && this.#followsRequests) {
      // A request that begins unseen: its answer would be taken for another's.
      if (requests.state === IDLE) return this.#headNotCaptured()
      count -= requests.skip(count, undefined)
      this.#afterRequestBytes(event)
    }
  }

  #afterRequestBytes(event: DataEvent): void {
    const { state, message } = this.#requests
    if (state === BROKEN) return this.#notUnderstood()
    if (message !== undefined && !this.#asking && state !== IDLE) this.#begin(message, event)
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

  #begin(request: Q, { pid, tid }: DataEvent): void {
    const { oldest } = this.#waiting
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
    const exchange = new Exchange<Q, A, T>(this.connection, request, this.#start, pid, tid)
    exchange.end = this.time
    this.#asking = exchange
    this.#waiting.push(exchange)
    this.#listener.began(exchange)
  }

  #answered(event: DataEvent): void {
    if (!this.#followsAnswers && !this.#findAnswer(event)) return
    if (this.#isBodyUnseen) this.#endUnseenBody(event)
    const { from, captured } = event
    this.#readAnswers(event, from, from + captured)
    const unseen = event.bytes - captured
    if (unseen === 0) return
    const { tail, tailEnd } = event
    this.#skipAnswers(unseen - tail)
    this.#readAnswers(event, tailEnd - tail, tailEnd)
  }

  /** Whether an answer begins here that somebody waits for. */
  #findAnswer(event: DataEvent): boolean {
    const beginning = this.#beginning(event)
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
  #endUnseenBody(event: DataEvent): void {
    const { oldest } = this.#waiting
    if (!oldest || this.#waiting.length < 2 || this.#answers.state !== READING) return
    if (this.#beginning(event) !== ANSWER) return
    this.#account.note('bodies_unseen')
    this.#finish(oldest)
    this.#answers.reset()
  }

  #readAnswers(event: DataEvent, from: number, to: number): void {
    const answers = this.#answers
    while (from < to && this.#followsAnswers) {
      const exchange = this.#waiting.oldest
      if (!exchange) return this.#answerUnasked()
      if (this.time < exchange.start) return this.#lose('out_of_order')
      if (answers.state === IDLE) exchange.answerTid = event.tid
      const next = answers.read(event.buffer, from, to, exchange.request)
      if (next <= from && answers.state !== BROKEN) return this.#lose('unreadable')
      from = next
      this.#afterAnswerBytes(exchange)
    }
  }

  #skipAnswers(count: number): void {
    const answers = this.#answers
    while (count > 0 && this.#followsAnswers) {
      const exchange = this.#waiting.oldest
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
    for (const exchange of this.#waiting.take()) {
      exchange.isOver = true
      this.#listener.lost(exchange)
    }
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
