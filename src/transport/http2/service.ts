import type { Log } from '../../component/context.ts'
import type { ServerAuthenticator } from '../../component/authentication.ts'
import type { Refused } from '../../component/refused.ts'
import type { RequestLimiter } from '../../component/request-limiting.ts'
import type { PingPolicy } from '../ping-limit.ts'
import type { SlabMethod } from '../unary.ts'
import type { KeepaliveOptions } from './keepalive.ts'

/** What all connections of a server share. Times in milliseconds. */
export interface Service {
  readonly methods: ReadonlyMap<string, SlabMethod>
  readonly log: Log
  /** What clients are told first. */
  readonly greeting: Buffer
  readonly authenticator: ServerAuthenticator | undefined
  readonly limiter: RequestLimiter | undefined
  readonly onRejected: (refused: Refused) => void
  /** Bytes of a message, as sent and once inflated. */
  readonly largest: number
  /** Requests under way on one connection. */
  readonly mostStreams: number
  /** How long a message may take to arrive. */
  readonly patience: number
  readonly keepalive: KeepaliveOptions
  readonly pings: PingPolicy
  /** Somebody wants to be looked at then, on the clock of `performance.now()`. */
  due(at: number): void
}
