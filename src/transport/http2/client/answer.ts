import type { HeaderList } from '../hpack/header-list.ts'
import { MESSAGE_PREFIX } from '../grpc-message.ts'
import { refusalOfGrpc } from '../../statuses.ts'
import type { Refused } from '../../../component/refused.ts'
import { answerHead } from './answer-head.ts'
import type { AnswerHead } from './answer-head.ts'

/** Responses carry a partial success and its reason; OTLP 1.11 recommends clients to take 4 MiB. */
export const RESPONSE_LIMIT = 4 * 2 ** 20
/** Memory for a message grows from here as its bytes come, not on the server's word. */
const FIRST_ROOM = 16 * 1024
/** Of HEADERS that only announce others (RFC 9110, 15.2). */
const MOST_INFORMATIONAL = 16

const EMPTY: Buffer = Buffer.alloc(0)
const NO_MESSAGE: Message = { bytes: EMPTY, coding: undefined }

/** A message as it came. */
export interface Message {
  readonly bytes: Buffer
  /** gRPC's name of its coding, where it is compressed. */
  readonly coding: string | undefined
}

/** What a server answers to one request, as it comes. */
export class Answer {
  #head: AnswerHead | undefined
  #informational = 0
  /** Of the prefix of the message. */
  #prefix = 0
  #isCompressed = false
  #length = 0
  #body: Buffer = EMPTY
  #have = 0
  #messages = 0

  /** Memory that it holds. */
  get bytes(): number {
    return this.#body.length
  }

  /** A header block has come. What the answer is, where that is clear now. */
  headers(list: HeaderList, isEnd: boolean): Message | Refused | undefined {
    if (list.isTooLarge) return refusalOfGrpc(INTERNAL, "the server's headers are larger than the limit")
    const head = answerHead(list)
    if (head.fault !== undefined) return refusalOfGrpc(INTERNAL, head.fault)
    if (this.#head === undefined) return this.#first(head, isEnd)
    if (head.http !== 0) return refusalOfGrpc(INTERNAL, 'the server sent a status among its trailers')
    if (!isEnd) return refusalOfGrpc(INTERNAL, 'the server sent headers in the midst of its answer')
    return this.#outcome(head)
  }

  #first(head: AnswerHead, isEnd: boolean): Message | Refused | undefined {
    if (head.http === 0) return refusalOfGrpc(INTERNAL, "the server's answer has no :status")
    if (head.http < 200) {
      if (isEnd || ++this.#informational > MOST_INFORMATIONAL)
        return refusalOfGrpc(INTERNAL, 'the server announces an answer and sends none')
      return undefined
    }
    this.#head = head
    if (isEnd) return this.#outcome(head)
    return head.refusal
  }

  #outcome(trailers: AnswerHead): Message | Refused {
    const { status } = trailers
    if (status === undefined)
      return this.#head?.refusal ?? refusalOfGrpc(UNKNOWN, 'the server ended its answer without a status')
    if (status !== OK) return refusalOfGrpc(status, trailers.message, trailers.details)
    if (this.#messages !== 1 || this.#have < this.#length) return refusalOfGrpc(INTERNAL, NOT_ONE)
    if (this.#length === 0) return NO_MESSAGE
    if (!this.#isCompressed) return { bytes: this.#body.subarray(0, this.#length), coding: undefined }
    const { encoding } = this.#head as AnswerHead
    if (encoding === '' || encoding === 'identity')
      return refusalOfGrpc(INTERNAL, 'the server compressed its answer and did not say how')
    return { bytes: this.#body.subarray(0, this.#length), coding: encoding }
  }

  /** Bytes of the body have come. Why it is refused, where it is. */
  data(buffer: Buffer, start: number, end: number): Refused | undefined {
    if (this.#head === undefined) return refusalOfGrpc(INTERNAL, 'the server sent a body before its headers')
    for (let at = start; at < end;) {
      if (this.#prefix < MESSAGE_PREFIX) {
        const refused = this.#readPrefix(buffer[at++] as number)
        if (refused) return refused
      } else if (this.#have < this.#length) at = this.#read(buffer, at, end)
      else return refusalOfGrpc(INTERNAL, NOT_ONE)
    }
    return undefined
  }

  #readPrefix(byte: number): Refused | undefined {
    if (this.#prefix++ === 0) {
      if (byte > 1) return refusalOfGrpc(INTERNAL, 'the answer of the server is no message of gRPC')
      this.#isCompressed = byte === 1
      return undefined
    }
    this.#length = this.#length * 256 + byte
    if (this.#prefix < MESSAGE_PREFIX) return undefined
    this.#messages++
    if (this.#length <= RESPONSE_LIMIT) return undefined
    const message = `Received message larger than max (${this.#length} vs. ${RESPONSE_LIMIT})`
    return refusalOfGrpc(RESOURCE_EXHAUSTED, message)
  }

  #read(buffer: Buffer, at: number, end: number): number {
    const until = Math.min(end, at + this.#length - this.#have)
    const needed = this.#have + until - at
    if (needed > this.#body.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#length, Math.max(FIRST_ROOM, this.#body.length * 2, needed)))
      this.#body.copy(grown, 0, 0, this.#have)
      this.#body = grown
    }
    buffer.copy(this.#body, this.#have, at, until)
    this.#have = needed
    return until
  }

  /** The server has ended its answer without trailers. */
  cutOff(): Refused {
    return this.#head?.refusal ?? refusalOfGrpc(INTERNAL, 'the server closed the stream without sending trailers')
  }
}

const OK = 0
const UNKNOWN = 2
const RESOURCE_EXHAUSTED = 8
const INTERNAL = 13
const NOT_ONE = "the server's answer is not one message"
