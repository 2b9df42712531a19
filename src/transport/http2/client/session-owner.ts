import type { Refused } from '../../../component/refused.ts'
import type { Message } from './answer.ts'
import type { Call } from './call.ts'
import type { RequestHeaders } from './headers.ts'
import type { KeepaliveTimes } from './keepalive.ts'

/** Whoever has the session. */
export interface SessionOwner {
  /** The server has said its settings: requests may begin. */
  ready(): void
  /** There may be room for another request. */
  freed(): void
  /** It takes no further requests; those under way go on. */
  retired(): void
  /** It has gone, for `reason`. */
  closed(reason: Refused): void
  /** The server has not begun with the call, and says so: it may be sent again. */
  again(call: Call, refused: Refused): void
  answered(call: Call, message: Message): void
}

export interface SessionOptions {
  readonly headers: RequestHeaders
  readonly keepalive: KeepaliveTimes
}
