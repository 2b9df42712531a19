import type { Prepared } from './request-pool.ts'

/** Called once for each request; `fault` says why it was not taken. */
export type Answered = (client: Client, request: Prepared, fault: string | undefined) => void

/** One connection to the program under test. */
export interface Client {
  readonly closed: boolean
  /** Takes no more requests at present. */
  readonly full: boolean
  send(request: Prepared): void
  close(): void
}
