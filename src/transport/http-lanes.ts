import type net from 'node:net'
import type { Exchanges } from './http-exchanges.ts'
import type { HttpReply } from './http-exchange.ts'
import { Lane } from './http-lane.ts'
import type { LaneOwner } from './http-lane.ts'
import type { LaneRequest } from './http-lane-request.ts'
import type { BodyLimits } from './http-body.ts'
import type { HttpServerOptions } from './http-server-options.ts'

/** The connections of a server that node:http has not, and their time limits. */
export class Lanes implements LaneOwner {
  readonly limits: BodyLimits
  readonly readTimeout: number
  readonly idleTimeout: number
  readonly #firstTimeout: number
  readonly #isPassed: boolean
  readonly #exchanges: Exchanges
  readonly #give: (socket: net.Socket) => void
  readonly #lanes = new Set<Lane>()
  readonly #interval: number
  #sweeper: NodeJS.Timeout | undefined

  /** `give` hands a connection to node:http. */
  constructor(options: HttpServerOptions, exchanges: Exchanges, give: (socket: net.Socket) => void, interval: number) {
    this.limits = exchanges.limits
    this.readTimeout = options.read_timeout
    this.idleTimeout = options.idle_timeout
    this.#firstTimeout = options.read_header_timeout || options.read_timeout
    // Browsers do more than to post, and how long an answer takes is counted by node:http's requests.
    this.#isPassed = exchanges.hasCors || options.write_timeout > 0
    this.#exchanges = exchanges
    this.#give = give
    this.#interval = interval
  }

  take(socket: net.Socket): void {
    if (socket.destroyed) return
    if (this.#isPassed) return this.#give(socket)
    this.#lanes.add(new Lane(socket, this, this.#firstTimeout))
    this.#sweeper ??= setInterval(() => this.#sweep(), this.#interval).unref()
  }

  get isLast(): boolean {
    return this.#exchanges.isLast
  }

  answer(request: LaneRequest): Promise<HttpReply> {
    return this.#exchanges.reply(request, request.lane.socket)
  }

  handOver(lane: Lane): void {
    this.#lanes.delete(lane)
    this.#give(lane.socket)
  }

  ended(lane: Lane): void {
    this.#lanes.delete(lane)
  }

  failed(error: unknown): void {
    this.#exchanges.failed(error)
  }

  closeIdle(): void {
    for (const lane of this.#lanes) if (lane.isIdle) lane.destroy()
  }

  stop(): void {
    clearInterval(this.#sweeper)
  }

  /** A timer that is late runs before what has come meanwhile is read: that counts. */
  #sweep(): void {
    if (this.#late().length > 0) setImmediate(() => setImmediate(() => this.#late().forEach((lane) => lane.expire())))
  }

  #late(): readonly Lane[] {
    const now = performance.now()
    return [...this.#lanes].filter(({ deadline }) => now > deadline)
  }
}
