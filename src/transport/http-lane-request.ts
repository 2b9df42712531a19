import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Slab } from '../data/memory/slab.ts'
import type { Refused } from '../component/refused.ts'
import { bodyRoom } from './http-body.ts'
import type { BodyLimits, Reserve } from './http-body.ts'
import type { HttpBody, HttpRequest } from './http-exchange.ts'
import type { RequestHead } from './http-request-head.ts'

/** The connection that a request came by, as far as the request asks it. */
interface Lane {
  readonly socket: Socket
  readonly peer: string
  body(head: RequestHead, first: Slab, reserve: Reserve): Promise<HttpBody>
}

/** A request that a lane reads. Its fields are no private ones: what is known besides is laid over it by inheritance. */
export class LaneRequest implements HttpRequest {
  readonly head: RequestHead
  readonly lane: Lane
  readonly limits: BodyLimits
  /** Made when it is asked for: who looks at it more than once gets the same. */
  readonly control: { made?: AbortController; reason?: Refused } = {}

  constructor(head: RequestHead, lane: Lane, limits: BodyLimits) {
    this.head = head
    this.lane = lane
    this.limits = limits
  }

  get method(): string {
    return 'POST'
  }

  get path(): string {
    return this.head.path
  }

  get query(): string {
    return this.head.query
  }

  get headers(): IncomingHttpHeaders {
    return this.head.headers
  }

  get metadata(): ReadonlyMap<string, readonly string[]> {
    return new Map(Object.entries(this.head.headers).map(([name, value]) => [name, [value as string]]))
  }

  get peer(): string {
    return this.lane.peer
  }

  get abort(): AbortSignal {
    const { control } = this
    control.made ??= new AbortController()
    if (control.reason) control.made.abort(control.reason)
    return control.made.signal
  }

  /** The client is. */
  gone(reason: Refused): void {
    this.control.reason = reason
    this.control.made?.abort(reason)
  }

  get length(): number {
    return this.head.length
  }

  room(): number {
    return bodyRoom(this.head.headers, this.head.length, this.limits)
  }

  body(first: Slab, reserve: Reserve): Promise<HttpBody> {
    return this.lane.body(this.head, first, reserve)
  }
}
