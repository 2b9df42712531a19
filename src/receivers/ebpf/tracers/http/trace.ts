import type { Exchange } from '../../socket/exchange.ts'
import type { HttpAnswer, HttpRequest } from '../../socket/protocols/http/message.ts'
import { type Identifier, NO_ID } from './identifiers.ts'

export type HttpExchange = Exchange<HttpRequest, HttpAnswer, Trace>

/** The span of an exchange, in its trace. Which trace that is may be known only when it is over. */
export class Trace {
  readonly spanId: Identifier
  /** `NO_ID` until it is known. */
  traceId: Identifier = NO_ID
  parentSpanId: Identifier | undefined
  traceState: string | undefined
  /** W3C flags, with whether the parent is remote. */
  flags = 0
  isSampled = false
  readonly isClient: boolean
  /** It is worked out just now: whoever asks again has gone in a circle. */
  isBeingResolved = false
  /** On this host: of a call, the request that its thread was serving; of a request served, the call at the other end. */
  parent: HttpExchange | undefined
  /** A call's: another exchange of this host is its other end. */
  isMirrored = false
  /** Nobody will know how it ended: there will be no span of it. */
  isLost = false

  constructor(spanId: Identifier, isClient: boolean) {
    this.spanId = spanId
    this.isClient = isClient
  }
}
