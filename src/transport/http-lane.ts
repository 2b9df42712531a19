import type { Socket } from 'node:net'
import type { Slab } from '../data/memory/slab.ts'
import { Refused } from '../component/refused.ts'
import { hostPort } from './address.ts'
import { answerBytes } from './http-answer-bytes.ts'
import { DISCARD_LIMIT, DISCARD_TIMEOUT, ANSWER_TIMEOUT } from './http-answer.ts'
import { BodyMemory, cutOff, inflatedBody, refusalOfBody } from './http-body.ts'
import type { BodyLimits, Reserve } from './http-body.ts'
import type { HttpBody, HttpReply } from './http-exchange.ts'
import { readChunks } from './http2/read-chunks.ts'
import { LaneRequest } from './http-lane-request.ts'
import { parsePlainPost } from './http-request-head.ts'
import type { RequestHead } from './http-request-head.ts'

/** Heads that are longer, or do not come in one piece, are node:http's. */
const HEAD_LIMIT = 8 * 1024
const END_OF_HEAD = Buffer.from('\r\n\r\n')
/** Answers that a client has not read yet, in bytes: who sends on and on without reading is cut off. */
const MOST_UNSENT = 64 * 1024
/** What has come and nobody reads yet, in bytes; then no more is taken. Pieces are copied, so small ones are no more than that. */
const MOST_KEPT = 64 * 1024
const MOST_PIECES = 64
export const CLIENT_GONE = new Refused('the client went away', { code: 'cancelled', retry: {} })

/** What is the same for all connections of a server. Times are in milliseconds; 0 means for ever. */
export interface LaneOwner {
  readonly limits: BodyLimits
  readonly readTimeout: number
  readonly idleTimeout: number
  /** Whether the connection takes no request after the one that is answered. */
  readonly isLast: boolean
  /** Never rejects. */
  answer(request: LaneRequest): Promise<HttpReply>
  /** The connection is somebody else's from now on, who reads what is left unread on it. */
  handOver(lane: Lane): void
  ended(lane: Lane): void
  /** An answer could not be written. */
  failed(error: unknown): void
}

/**
 * One connection on which plain POSTs come, one after the other: it reads them past all that node:http does for any other message,
 * which takes most of the time of a small one. The first head that is anything else, or comes in pieces, or more than one request at
 * once, and node:http has the connection, with all that was not read.
 */
export class Lane {
  readonly socket: Socket
  readonly #owner: LaneOwner
  /** Pieces that came and are not read, from `#at` on in the first. More are not taken until they are. */
  readonly #pieces: Buffer[] = []
  #at = 0
  #isPaused = false
  #isHandedOver = false
  #state: 'idle' | 'waiting' | 'reading' | 'answering' | 'discarding' | 'over' = 'idle'
  /** Of the body under way. */
  #left = 0
  #discardable = 0
  #reading: Reading | undefined
  #request: LaneRequest | undefined
  #peer: string | undefined
  #lastText = ''
  #lastHead: RequestHead | undefined
  /** When it is cut off, by the monotone clock. */
  deadline: number

  constructor(socket: Socket, owner: LaneOwner, firstTimeout: number) {
    this.socket = socket
    this.#owner = owner
    this.deadline = after(firstTimeout)
    socket.on('end', this.#gone).on('close', this.#gone).on('error', ignore)
    readChunks(socket, this.#take)
  }

  /** `HttpRequest.peer`. */
  get peer(): string {
    return (this.#peer ??= peerOf(this.socket))
  }

  /** Between two requests, or before the first. */
  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  /** Its deadline has passed. */
  expire(): void {
    const isLate = this.#state === 'waiting' || this.#state === 'reading' || (this.isIdle && this.#lastText === '')
    if (!isLate || this.socket.writableLength > 0) return this.destroy()
    this.socket.write(LATE)
    this.#leave()
    this.socket.destroySoon()
  }

  destroy(): void {
    this.socket.destroy()
    this.#gone()
  }

  /** `piece` is lent: what of it is not read at once is copied. */
  readonly #take = (piece: Buffer): void => {
    // What node:http has does not come here, unless it has somebody else read it: then it goes the ordinary way.
    if (this.#isHandedOver) return void this.socket.push(Buffer.from(piece))
    if (this.#state === 'over') return
    this.#pieces.push(piece)
    this.#advance()
    const last = this.#pieces.length - 1
    if (last < 0) return
    this.#pieces[last] = Buffer.from(last === 0 ? piece.subarray(this.#at) : piece)
    if (last === 0) this.#at = 0
    const kept = this.#pieces.reduce((sum, { length }) => sum + length, 0)
    // While it reads, it notices that the client goes away.
    if (this.#isPaused || (kept <= MOST_KEPT && this.#pieces.length < MOST_PIECES)) return
    this.#isPaused = true
    this.socket.pause()
  }

  /** Reads as far as it is anybody's turn. */
  #advance(): void {
    while (this.#pieces.length > 0) {
      if (this.#state === 'idle') this.#begin(this.#pieces[0]!)
      else if (this.#state === 'reading') this.#read()
      else if (this.#state === 'discarding') this.#discard()
      else return
    }
    if (!this.#isPaused || this.#state === 'over') return
    this.#isPaused = false
    this.socket.resume()
  }

  #begin(piece: Buffer): void {
    const end = piece.indexOf(END_OF_HEAD, this.#at)
    const head =
      end < 0 || end - this.#at > HEAD_LIMIT ? undefined : this.#parse(piece.toString('latin1', this.#at, end))
    const body = end + END_OF_HEAD.length
    if (head === undefined || piece.length - body > head.length || this.#pieces.length > 1) return this.#handOver()
    if (this.socket.writableLength > MOST_UNSENT) return this.destroy()
    this.#left = head.length
    this.deadline = piece.length - body === head.length ? Infinity : after(this.#owner.readTimeout)
    this.#skip(body - this.#at)
    this.#state = 'waiting'
    const request = new LaneRequest(head, this, this.#owner.limits)
    this.#request = request
    void this.#owner.answer(request).then((reply) => this.#answer(request, reply))
  }

  /** A sender says the same again and again. */
  #parse(text: string): RequestHead | undefined {
    if (text === this.#lastText) return this.#lastHead
    this.#lastText = text
    return (this.#lastHead = parsePlainPost(text))
  }

  #handOver(): void {
    const { socket } = this
    this.#state = 'over'
    this.#isHandedOver = true
    socket.off('data', this.#take).off('end', this.#gone).off('close', this.#gone).off('error', ignore)
    socket.pause()
    const rest = Buffer.concat(this.#pieces).subarray(this.#at)
    this.#pieces.length = 0
    if (rest.length > 0) socket.unshift(rest)
    this.#owner.handOver(this)
    socket.resume()
  }

  /** `HttpRequest.body`. */
  body({ headers, length }: RequestHead, first: Slab, reserve: Reserve): Promise<HttpBody> {
    if (this.#state !== 'waiting') {
      first.release()
      return Promise.reject(cutOff())
    }
    const { limit } = this.#owner.limits
    const { promise, resolve, reject } = Promise.withResolvers<HttpBody>()
    const finish = (sent: HttpBody) => resolve(inflatedBody(sent, headers, limit, reserve))
    this.#reading = { memory: new BodyMemory(first, length, limit, reserve), finish, reject }
    this.#state = 'reading'
    if (this.#left === 0) this.#finish()
    else this.#advance()
    return promise
  }

  #read(): void {
    const reading = this.#reading!
    const piece = this.#pieces[0]!
    const start = this.#at
    const bytes = this.#skip(this.#left)
    try {
      reading.memory.add(piece, start, start + bytes)
    } catch (error) {
      this.#left -= bytes
      this.#reading = undefined
      this.#state = 'waiting'
      return reading.reject(refusalOfBody(error))
    }
    this.#left -= bytes
    if (this.#left === 0) this.#finish()
  }

  #finish(): void {
    const { memory, finish, reject } = this.#reading!
    this.#reading = undefined
    this.#state = 'answering'
    this.deadline = Infinity
    try {
      finish(memory.take())
    } catch (error) {
      reject(error)
    }
  }

  #answer(request: LaneRequest, reply: HttpReply): void {
    if (this.#request !== request || this.#state === 'over') return
    this.#request = undefined
    this.#reading?.memory.give()
    this.#reading = undefined
    const isLast = this.#owner.isLast || this.#left > DISCARD_LIMIT
    try {
      this.#write(reply, isLast)
    } catch (error) {
      this.#owner.failed(error)
      return this.destroy()
    }
    this.#state = 'discarding'
    this.#discardable = DISCARD_LIMIT
    if (this.#left === 0) return this.#next(isLast)
    this.deadline = after(DISCARD_TIMEOUT)
    this.#advance()
  }

  #write(reply: HttpReply, isLast: boolean): void {
    const { head, body } = answerBytes(reply, isLast, this.#owner.idleTimeout)
    const { socket } = this
    if (body.length === 0) socket.write(head)
    else {
      socket.cork()
      socket.write(head)
      socket.write(body)
      socket.uncork()
    }
    if (socket.writableLength === 0) return
    const late = setTimeout(() => socket.destroy(), ANSWER_TIMEOUT).unref()
    socket.write(NOTHING, () => clearTimeout(late))
  }

  /** Reads on of a body that nobody wants any more, for its sender to see the answer: closing at once would reset it away. */
  #discard(): void {
    const bytes = this.#skip(this.#left)
    this.#left -= bytes
    this.#discardable -= bytes
    if (this.#discardable < 0) this.destroy()
    else if (this.#left === 0) this.#next(this.#owner.isLast)
  }

  #next(isLast: boolean): void {
    if (isLast) {
      this.#over()
      this.socket.destroySoon()
      return
    }
    this.#state = 'idle'
    this.deadline = after(this.#owner.idleTimeout)
    if (this.#pieces.length > 0 || this.#isPaused) this.#advance()
  }

  /** Goes on by so many bytes, within the first piece; returns how many. */
  #skip(most: number): number {
    const piece = this.#pieces[0]!
    const bytes = Math.min(most, piece.length - this.#at)
    this.#at += bytes
    if (this.#at === piece.length) {
      this.#pieces.shift()
      this.#at = 0
    }
    return bytes
  }

  /** The client has ended or broken the connection, which is one to node:http too. */
  readonly #gone = (): void => {
    if (this.#state === 'over') return
    this.#leave()
    this.socket.destroy()
  }

  /** Tells whoever is at a request that nothing comes of it. */
  #leave(): void {
    const [request, reading] = [this.#request, this.#reading]
    this.#over()
    reading?.memory.give()
    reading?.reject(cutOff())
    request?.gone(CLIENT_GONE)
  }

  #over(): void {
    this.#state = 'over'
    this.#request = this.#reading = undefined
    this.#pieces.length = 0
    this.#owner.ended(this)
  }
}

interface Reading {
  readonly memory: BodyMemory
  readonly finish: (sent: HttpBody) => void
  readonly reject: (error: unknown) => void
}

export function peerOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? 'unix' : hostPort(remoteAddress, remotePort ?? 0)
}

/** As node:http says it. */
const LATE = Buffer.from('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n')
const NOTHING = Buffer.alloc(0)
const ignore = () => {}
const after = (ms: number): number => (ms > 0 ? performance.now() + ms : Infinity)
