import net from 'node:net'
import tls from 'node:tls'
import { AnswerReader } from './http-answer-reader.ts'
import type { Posting } from './http-posting.ts'

export const CONNECT_TIMEOUT = 10_000
/** When the system asks a silent server whether it is still there. */
const KEEP_ALIVE_DELAY = 60_000
/** Answers are small; longer ones come in pieces. */
const READ_BYTES = 8 * 1024
/** A request up to this size is put together for one write, a larger one is written from where it lies. */
const JOINED_BYTES = 16 * 1024

/** Where connections go to, and how. */
export interface Route {
  readonly host: string
  readonly port: number
  /** Undefined in the clear. */
  readonly tls: tls.ConnectionOptions | undefined
}

/** Who a connection tells of itself. */
export interface ConnectionOwner {
  /** It is there, and takes its first request. */
  opened(connection: HttpConnection): void
  /** It has answered a request and takes the next: within `idle` milliseconds, where the server says so. */
  free(connection: HttpConnection, idle: number | undefined): void
  /** It never came about: the last thing that is said of it. */
  failed(connection: HttpConnection, error: Error): void
  /** It has ended: the last thing that is said of it. */
  gone(connection: HttpConnection): void
  /** To be taken up again by the next connection. */
  resumable(session: Buffer): void
}

/** One connection to a server. One request at a time; the next follows when the answer is complete. */
export class HttpConnection {
  readonly #owner: ConnectionOwner
  readonly #socket: net.Socket
  readonly #reader = new AnswerReader()
  #posting: Posting | undefined
  #patience: NodeJS.Timeout | undefined
  #isOpen = false
  #isOver = false
  /** For requests that are put together; not in use before the one before was written. */
  #joined: Buffer | undefined
  /** When it must not be used any more, by the monotone clock. */
  idleUntil = Infinity

  constructor(route: Route, owner: ConnectionOwner) {
    this.#owner = owner
    this.#socket = route.tls ? this.#secured(route, route.tls) : this.#plain(route)
    this.#socket.on('error', (error) => this.fail(error))
    this.#socket.on('end', () => this.#ended())
    this.#socket.on('close', () => this.fail(new Error('other side closed')))
    this.#patience = setTimeout(
      () => this.fail(new Error(`no connection within ${CONNECT_TIMEOUT / 1000} s`)),
      CONNECT_TIMEOUT,
    )
  }

  /** Only while it is free. */
  send(posting: Posting): void {
    this.#posting = posting
    posting.connection = this
    const { head, body, length } = posting
    const text = `${head}${length}\r\n\r\n`
    const isJoined = text.length + length <= JOINED_BYTES
    this.#joined ??= Buffer.allocUnsafeSlow(JOINED_BYTES)
    if (!isJoined) return this.#writeAll(text, body)
    let at = this.#joined.write(text, 'latin1')
    for (const part of body) at += part.copy(this.#joined, at)
    this.#socket.write(this.#joined.subarray(0, at))
  }

  #writeAll(text: string, body: readonly Buffer[]): void {
    this.#socket.cork()
    this.#socket.write(Buffer.from(text, 'latin1'))
    for (const part of body) this.#socket.write(part)
    this.#socket.uncork()
  }

  /** Nothing is read of a request's bytes any more when this returns; who waits for its answer is told by who calls this. */
  destroy(): void {
    this.#posting = undefined
    this.#over()
  }

  #plain({ host, port }: Route): net.Socket {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    // Reads into one buffer, and past the layers of streams.
    const callback = (length: number): boolean => {
      this.#read(buffer, length)
      return true
    }
    const socket = net.connect({ host, port, ...SOCKET, onread: { buffer, callback } })
    return socket.once('connect', () => this.#opened())
  }

  #secured({ host, port }: Route, options: tls.ConnectionOptions): net.Socket {
    const socket = tls.connect({ host, port, ...SOCKET, ...options })
    socket.on('session', (session) => this.#owner.resumable(session))
    socket.on('data', (chunk) => this.#read(chunk, chunk.length))
    return socket.once('secureConnect', () => this.#opened())
  }

  #opened(): void {
    if (this.#isOver) return
    clearTimeout(this.#patience)
    this.#isOpen = true
    this.#owner.opened(this)
  }

  #read(piece: Buffer, length: number): void {
    if (this.#isOver) return
    // What nobody asked for, such as 408 before the server closes: it belongs to no request.
    if (!this.#posting) return this.#over()
    let taken: number
    try {
      taken = this.#reader.read(piece, length)
    } catch (error) {
      return this.fail(error as Error)
    }
    if (this.#reader.isComplete) this.#answered(taken === length)
  }

  /** `isAll`: nothing came behind the answer. */
  #answered(isAll: boolean): void {
    const posting = this.#posting!
    this.#posting = undefined
    const { head, isCut } = this.#reader
    const answer = this.#reader.take()
    // An answer may come before the whole request is written: the rest must not be.
    const isKept = isAll && head.isKept && !isCut && !posting.isLast && this.#socket.writableLength === 0
    if (isKept) this.#owner.free(this, head.idle)
    else this.#over()
    posting.answered(answer)
  }

  #ended(): void {
    if (this.#posting && this.#reader.end()) this.#answered(false)
    else this.fail(new Error('other side closed'))
  }

  /** Ends it, and the request that is under way on it. */
  fail(error: Error): void {
    if (this.#isOver) return
    const posting = this.#posting
    this.#posting = undefined
    this.#over(error)
    posting?.failed(error)
  }

  #over(error: Error = new Error('the connection was closed')): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#patience)
    this.#socket.destroy()
    if (this.#isOpen) this.#owner.gone(this)
    else this.#owner.failed(this, error)
  }
}

const SOCKET = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY }
