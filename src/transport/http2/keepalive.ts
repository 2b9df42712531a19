import { ConnectionError, ENHANCE_YOUR_CALM } from './frames.ts'
import type { PingPolicy } from '../ping-limit.ts'

/** Pings that come too early and are forgiven between two requests, as in gRPC's own servers. */
const STRIKES = 2
/** Connections of one age must not all end at once: so much sooner or later. */
const AGE_JITTER = 0.1

/** In milliseconds; 0 means never, or for ever. */
export interface KeepaliveOptions {
  readonly max_connection_idle: number
  readonly max_connection_age: number
  readonly max_connection_age_grace: number
  readonly time: number
  readonly timeout: number
}

/** `ping`: the client has to answer. `drain`: it is to go elsewhere. `end`: the connection is over. */
export type Due = 'ping' | 'drain' | 'end'

/** When a connection is asked whether it is alive, and when it has lived long enough. Times in milliseconds on a clock that never jumps. */
export class Keepalive {
  readonly #options: KeepaliveOptions
  readonly #age: number
  /** When something came last, and since when there is no request. */
  #read: number
  #idle: number
  #pinged = Infinity
  #isDraining = false

  constructor(options: KeepaliveOptions, now: number) {
    this.#options = options
    this.#read = this.#idle = now
    const jitter = 1 + AGE_JITTER * (2 * Math.random() - 1)
    this.#age = options.max_connection_age > 0 ? now + options.max_connection_age * jitter : Infinity
  }

  read(now: number): void {
    this.#read = now
    this.#pinged = Infinity
  }

  /** Whether there are requests has changed, or may have. */
  idle(isIdle: boolean, now: number): void {
    this.#idle = isIdle ? now : Infinity
  }

  /** When to look next. */
  get next(): number {
    const { max_connection_idle: idle, max_connection_age_grace: grace, time, timeout } = this.#options
    const end = this.#isDraining ? (grace > 0 ? this.#age + grace : Infinity) : this.#age
    const ping = this.#pinged === Infinity ? this.#read + (time || Infinity) : this.#pinged + timeout
    return Math.min(end, ping, idle > 0 && !this.#isDraining ? this.#idle + idle : Infinity)
  }

  /** What is to be done now. */
  look(now: number): Due | undefined {
    const { max_connection_idle: idle, max_connection_age_grace: grace, time, timeout } = this.#options
    if (now >= this.#pinged + timeout) return 'end'
    if (this.#isDraining && grace > 0 && now >= this.#age + grace) return 'end'
    if (!this.#isDraining && (now >= this.#age || (idle > 0 && now >= this.#idle + idle))) {
      this.#isDraining = true
      return 'drain'
    }
    if (time > 0 && this.#pinged === Infinity && now >= this.#read + time) {
      this.#pinged = now
      return 'ping'
    }
    return undefined
  }
}

/** Ends a connection whose client pings more often than it may (gRPC proposal A8, "server-side keepalive enforcement"). */
export class PingLimit {
  readonly #policy: PingPolicy
  #strikes = 0
  #last = -Infinity

  constructor(policy: PingPolicy) {
    this.#policy = policy
  }

  /** Throws the `ConnectionError`. */
  ping(now: number, hasStreams: boolean): void {
    const isEarly = now - this.#last < this.#policy.min_time || (!hasStreams && !this.#policy.permit_without_stream)
    this.#last = now
    if (isEarly && ++this.#strikes > STRIKES) throw new ConnectionError(ENHANCE_YOUR_CALM, 'too_many_pings')
  }

  /** A request, or its answer: clients measure their way to us then. */
  forgive(): void {
    this.#strikes = 0
  }
}
