import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { InflatedBytes } from './arriving-message.ts'
import { SessionLoad } from './session-load.ts'

export interface StreamLimits {
  /** Bytes of a request, framed. */
  readonly message: number
  /** Milliseconds until an answer has left. */
  readonly answer: number
}

/** How often connections are looked at, in milliseconds. */
const INTERVAL = 1000

/** Frames of a request that may be as small as they like, and bytes that all must have on average. Each costs a call; real clients fill theirs. */
const FREE_FRAMES = 1024
const LEAST_FRAME = 64

/**
 * Bounds what neither HTTP/2 nor grpc-js does: memory of messages that are arriving, requests in frames of a byte, and answers that a
 * client's window lets nobody send, and floods of whatever else costs little to send.
 */
export class StreamGuard {
  readonly #memory: InflatedBytes
  readonly #limits: StreamLimits
  readonly #open = new Map<ServerHttp2Stream, Request>()
  readonly #loads = new Map<ServerHttp2Session, SessionLoad>()
  #timer: NodeJS.Timeout | undefined

  constructor(memory: InflatedBytes, limits: StreamLimits) {
    this.#memory = memory
    this.#limits = limits
  }

  readonly watch = (session: ServerHttp2Session): void => {
    this.#timer ??= setInterval(() => this.look(), INTERVAL).unref()
    const load = new SessionLoad(session)
    this.#loads.set(session, load)
    session.once('close', () => this.#loads.delete(session))
    session.on('stream', (stream) => {
      load.requests++
      stream.once('close', () => (stream.rstCode === constants.NGHTTP2_NO_ERROR && stream.headersSent) || load.cut++)
      // By then grpc-js reads the stream, at its own pace: a listener before it would let it flow.
      process.nextTick(() => this.#watch(session, stream, load))
    })
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #watch(session: ServerHttp2Session, stream: ServerHttp2Stream, load: SessionLoad): void {
    if (stream.destroyed) return
    const request = new Request(this.#memory, this.#limits.message)
    this.#open.set(stream, request)
    stream.once('close', () => {
      this.#open.delete(stream)
      request.end()
    })
    if (stream.headersSent) return
    stream.on('data', (chunk: Buffer) => {
      load.messageBytes += chunk.length
      const verdict = request.take(chunk)
      if (verdict === 'taken') return
      request.end()
      if (verdict === 'no_room') stream.close(constants.NGHTTP2_REFUSED_STREAM)
      else calm(session, 'too_small_frames')
    })
    stream.once('end', () => request.end())
  }

  /** Called every second. Whoever does not take an answer takes none: the connection goes. */
  look(): void {
    const now = performance.now()
    for (const [session, load] of this.#loads) {
      const complaint = load.complaint()
      if (complaint !== undefined) calm(session, complaint)
    }
    for (const [stream, request] of this.#open) {
      if (!stream.headersSent) continue
      if (request.answered === undefined) request.answered = now
      else if (now - request.answered >= this.#limits.answer) stream.session?.destroy()
    }
  }
}

function calm(session: ServerHttp2Session, reason: string): void {
  if (session.destroyed) return
  session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(reason))
  session.destroy()
}

/** What has come of a request. */
class Request {
  answered: number | undefined
  readonly #memory: InflatedBytes
  readonly #limit: number
  #frames = 0
  #bytes = 0
  #held = 0

  constructor(memory: InflatedBytes, limit: number) {
    this.#memory = memory
    this.#limit = limit
  }

  take({ length }: Buffer): 'taken' | 'too_small' | 'no_room' {
    this.#frames++
    this.#bytes += length
    if (this.#frames > FREE_FRAMES && this.#bytes < this.#frames * LEAST_FRAME) return 'too_small'
    // grpc-js has refused it already, with a status.
    if (this.#bytes > this.#limit) return 'taken'
    if (!this.#memory.take(length)) return 'no_room'
    this.#held += length
    return 'taken'
  }

  /** It is whole, or nobody waits for it any more. */
  end(): void {
    this.#memory.give(this.#held)
    this.#held = 0
  }
}
