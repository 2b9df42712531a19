import { ENHANCE_YOUR_CALM } from '../frames.ts'

/** Of all connections to one server, in milliseconds. */
export interface KeepaliveTimes {
  /** Silence before a ping; 0 for none. Doubled where a server finds that too often (gRFC A8). */
  time: number
  readonly timeout: number
  readonly withoutCalls: boolean
}

export interface Watched {
  /** Whether requests are under way. */
  isBusy(): boolean
  ping(): void
  /** The server is gone. */
  fail(why: string): void
  /** Nobody has used the connection for a long time. */
  rest(): void
}

/** How long a connection is kept that nobody uses, in milliseconds: gRPC's default. */
const IDLE = 30 * 60_000
const MOST_DELAY = 2 ** 31 - 1

/** Pings a server that is silent, and tells where it does not answer. */
export class Keepalive {
  readonly #times: KeepaliveTimes
  readonly #watched: Watched
  /** When the server was last heard of, by `performance.now()`. */
  heard = performance.now()
  /** When a request began last. */
  used = this.heard
  /** When one began while there was no other: a silence before that says nothing. */
  woke = this.heard
  /** When the ping was sent that is not answered. */
  #pinged: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(times: KeepaliveTimes, watched: Watched) {
    this.#times = times
    this.#watched = watched
    this.#arm(this.#pause)
  }

  /** Something has come of the server. */
  hear(now: number): void {
    this.heard = now
    this.#pinged = undefined
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** The server has told us to go. */
  toldToGo(code: number, text: string): void {
    if (code !== ENHANCE_YOUR_CALM || text !== 'too_many_pings') return
    this.#times.time = Math.min(MOST_DELAY, this.#times.time * 2)
  }

  /** Looked at no more rarely than that, as pings begin again where requests do. */
  get #pause(): number {
    return this.#times.time > 0 ? Math.min(this.#times.time, IDLE) : IDLE
  }

  #arm(delay: number): void {
    this.#timer = setTimeout(this.#look, Math.min(MOST_DELAY, Math.max(1, Math.ceil(delay)))).unref()
  }

  readonly #look = (): void => {
    const { time, timeout, withoutCalls } = this.#times
    const now = performance.now()
    const isBusy = this.#watched.isBusy()
    if (this.#pinged !== undefined) {
      const left = this.#pinged + timeout - now
      if (left > 0) return this.#arm(left)
      return this.#watched.fail('the server does not answer pings')
    }
    if (!isBusy && now - Math.max(this.used, this.heard) >= IDLE) return this.#watched.rest()
    if (time <= 0 || (!isBusy && !withoutCalls)) return this.#arm(this.#pause)
    const silence = now - Math.max(this.heard, isBusy && !withoutCalls ? this.woke : 0)
    if (silence < time) return this.#arm(time - silence)
    this.#pinged = now
    this.#watched.ping()
    this.#arm(timeout)
  }
}
