import type { Answer } from '../../protocol.ts'

/** A header whose values were asked for, with them. */
export interface CapturedHeader {
  readonly header: WantedHeader
  readonly value: string
}

/** A header that the user wants to see. */
export interface WantedHeader {
  /** In lower case. */
  readonly name: string
  /** `http.request.header.x-tenant`. */
  readonly attribute: string
  readonly isRedacted: boolean
}

export interface HttpMessage {
  /** `1.0` or `1.1`. */
  readonly version: string
  /** Not all of its head was captured: what is missing may have been there. */
  readonly isCut: boolean
  /** Bytes of the body, without what frames it: those seen so far, then all; -1 where nobody could count them, 0 where there is none. */
  bodyBytes: number
  /** What `content-length` says; -1 where it is not there. */
  readonly contentLength: number
  readonly captured: readonly CapturedHeader[] | undefined
}

export interface HttpRequest extends HttpMessage {
  /** One of the methods of RFC 9110 and RFC 5789, or `_OTHER`. */
  readonly method: string
  /** What stood there instead. */
  readonly otherMethod: string | undefined
  /** Without query and fragment; undefined where the target has none, or was cut. */
  readonly path: string | undefined
  readonly query: string | undefined
  /** Whom the client wanted to speak to: `Host`, or what the target says. */
  readonly host: string | undefined
  /** As the target says, where it does. */
  readonly scheme: string | undefined
  readonly userAgent: string | undefined
  readonly traceParent: TraceParent | undefined
  readonly traceState: string | undefined
}

export interface HttpAnswer extends HttpMessage, Answer {
  readonly status: number
}

/** W3C `traceparent`, understood. */
export interface TraceParent {
  /** Four words of 32 bits, signed, the highest first. */
  readonly traceId: readonly number[]
  /** Two. */
  readonly parentId: readonly number[]
  readonly flags: number
}
