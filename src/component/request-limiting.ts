import type { AuthenticationData, RequestHeaders } from './authentication.ts'
import { Capability } from './capability.ts'
import type { Refused } from './refused.ts'

/**
 * How much each sender may send: an extension offers it (`rate_limiter`), and a receiver's `middlewares: [{ id }]` names the
 * extension. The servers ask it, so that no receiver keeps counts.
 */
export interface RequestLimiter {
  /**
   * Asked once for each request, after its sender was authenticated and before its body is read. Undefined lets it in, and has counted
   * it; a `Refused` is the answer, and has counted nothing but the refusal. It is retryable, with the time until trying again makes sense.
   */
  refuse(sender: Sender): Refused | undefined
  /**
   * Told what a request that was let in turned out to be, since nobody knows before it is read; it counts against what comes next. Bytes as
   * soon as the body is read, whatever becomes of it; items once they are known. May be told in parts, which add up.
   */
  took(sender: Sender, taken: Taken): void
}

export const RequestLimiting = new Capability<RequestLimiter>('request limiting')

/** What a server knows of whoever sends a request. */
export interface Sender {
  /** Keys in lower case. All of them, whether or not they go along with the data. */
  readonly metadata: RequestHeaders
  /** What the sender proved of itself. */
  readonly auth?: AuthenticationData | undefined
  /** `host:port`, or `unix`. */
  readonly peer: string
}

export interface Taken {
  /** Of the message, inflated. */
  readonly bytes?: number
  readonly items?: number
}
