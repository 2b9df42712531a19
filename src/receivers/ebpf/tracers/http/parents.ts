import type { Connection } from '../../socket/connection.ts'
import type { TraceParent } from '../../socket/protocols/http/message.ts'
import { type Identifiers, NO_ID } from './identifiers.ts'
import { Mirrors } from './mirrors.ts'
import type { Sampler } from './sampler.ts'
import { AMBIGUOUS, Serving } from './serving.ts'
import type { HttpExchange, Trace } from './trace.ts'

// Of a span's flags: bits of W3C, and whether its parent is known to be on another host or not.
const SAMPLED = 0x01
const RANDOM = 0x02
const KNOWS_REMOTE = 0x100
const IS_REMOTE = 0x200

export interface ParentsOptions {
  readonly identifiers: Identifiers
  readonly sampler: Sampler
  /** Whether a parent's flag decides. */
  readonly heedsParent: boolean
  /** Whether an exchange becomes a span. */
  isTold(exchange: HttpExchange): boolean
  /** A call was made, and nobody can tell for which request. */
  onAmbiguous(): void
}

/**
 * Which trace each exchange belongs to, and which span is its parent: what `traceparent` says; without it, the request that the thread of a call was
 * serving, or the call at the other end of a connection within this host. Worked out when the exchange, or one below it, is over: by then the other
 * end has been seen.
 */
export class Parents {
  readonly #options: ParentsOptions
  readonly #serving = new Serving()
  readonly #mirrors = new Mirrors()

  constructor(options: ParentsOptions) {
    this.#options = options
  }

  beganServing(exchange: HttpExchange): void {
    this.#serving.begin(exchange)
    // Whoever gives up waiting closes first: by the end of this one its call may be forgotten.
    if (!exchange.request.traceParent) exchange.trace!.parent = this.#mirrors.of(exchange)
  }

  beganCall(exchange: HttpExchange): void {
    this.#mirrors.begin(exchange)
    if (exchange.request.traceParent) return
    const parent = this.#serving.parentOf(exchange)
    if (parent === AMBIGUOUS) this.#options.onAmbiguous()
    else exchange.trace!.parent = parent
  }

  ended(exchange: HttpExchange): void {
    if (!exchange.trace!.isClient) this.#serving.end(exchange)
  }

  /** There will be no span of it, so nothing may have it as its parent. */
  lost(exchange: HttpExchange): void {
    this.#serving.end(exchange)
    exchange.trace!.isMirrored = true
    exchange.trace!.isLost = true
  }

  forget(connection: Connection): void {
    this.#mirrors.forget(connection)
  }

  /** Works out the trace. False where the other end of the connection may yet be seen. */
  resolve(exchange: HttpExchange): boolean {
    return this.#resolve(exchange, false)
  }

  /** The same, with what is known now. */
  settle(exchange: HttpExchange): void {
    this.#resolve(exchange, true)
  }

  #resolve(exchange: HttpExchange, isFinal: boolean): boolean {
    const trace = exchange.trace!
    if (trace.traceId !== NO_ID || trace.isBeingResolved) return true
    const { traceParent, traceState } = exchange.request
    if (traceParent) {
      this.#join(trace, traceParent, traceState)
      return true
    }
    if (!trace.isClient && !trace.parent) {
      trace.parent = this.#mirrors.of(exchange)
      if (!trace.parent && !isFinal && exchange.connection.isLocal) return false
    }
    if (trace.parent && !this.#isToldOf(trace.parent)) trace.parent = undefined
    return this.#below(trace, isFinal)
  }

  /** Below its parent on this host, or at the root of a new trace. */
  #below(trace: Trace, isFinal: boolean): boolean {
    trace.isBeingResolved = true
    const isKnown = !trace.parent || this.#resolve(trace.parent, isFinal)
    trace.isBeingResolved = false
    if (!isKnown) return false
    const above = trace.parent?.trace
    if (!above || above.traceId === NO_ID) {
      trace.traceId = this.#options.identifiers.traceId()
      trace.isSampled = this.#options.sampler.keeps(trace.traceId)
      trace.flags = KNOWS_REMOTE | RANDOM | (trace.isSampled ? SAMPLED : 0)
      return true
    }
    trace.traceId = above.traceId
    trace.parentSpanId = above.spanId
    trace.traceState = above.traceState
    trace.isSampled = above.isSampled
    trace.flags = (above.flags & 0xff) | KNOWS_REMOTE
    return true
  }

  #join(trace: Trace, { traceId, parentId, flags }: TraceParent, traceState: string | undefined): void {
    const { heedsParent, sampler } = this.#options
    trace.traceId = traceId
    trace.parentSpanId = parentId
    trace.traceState = traceState
    trace.isSampled = heedsParent ? (flags & SAMPLED) !== 0 : sampler.keeps(traceId)
    // What a call's header names was made in the same process.
    trace.flags = KNOWS_REMOTE | (trace.isClient ? 0 : IS_REMOTE) | flags
  }

  #isToldOf(parent: HttpExchange): boolean {
    return !parent.trace?.isLost && this.#options.isTold(parent)
  }
}
