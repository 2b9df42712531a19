import type { AuthenticationData } from '../../component/authentication.ts'
import type { Answers } from './answers.ts'
import type { Allowance } from './flood.ts'
import type { Outbox } from './outbox.ts'
import type { ReceiveCredit } from './receive-credit.ts'
import type { Service } from './service.ts'
import type { SendWindows } from './windows.ts'

/** What the streams of a connection have in common. */
export interface Connection {
  readonly service: Service
  readonly peer: string
  readonly auth: AuthenticationData | undefined
  readonly outbox: Outbox
  readonly windows: SendWindows
  readonly answers: Answers
  readonly credit: ReceiveCredit
  readonly idleFrames: Allowance
  readonly cuts: Allowance
  /** What the peer gives each stream. */
  readonly peerWindow: number
  /** It is to be looked at then. */
  due(at: number): void
  /** A request has been answered. */
  answered(): void
  /** The last stream has ended. */
  emptied(): void
}
