import { connect, type Socket } from 'node:net'
import type { Prepared } from './request-pool.ts'

const READ_BYTES = 65_536

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

/** A connection that is read into one piece of memory, valid during `receive`; `fail` may be told more than once. */
export function connection(
  port: number,
  receive: (buffer: Buffer, length: number) => boolean,
  fail: (why: string) => void,
): Socket {
  const buffer = Buffer.alloc(READ_BYTES)
  const onread = { buffer, callback: (length: number) => receive(buffer, length) }
  return connect({ port, host: '127.0.0.1', noDelay: true, onread })
    .on('error', (error) => fail(error.message))
    .on('close', () => fail('connection closed'))
}
