import type { Abort } from '../component/cancellation.ts'
import { Refused } from '../component/refused.ts'
import { refusalOfAbort } from './abort.ts'
import type { HttpAnswer } from './http-exchange.ts'

/** One request under way. Settles once. */
export class Posting {
  readonly head: string
  readonly body: readonly Buffer[]
  readonly length: number
  /** Whether its connection takes no further one. */
  readonly isLast: boolean
  /** Where it waits for a connection. */
  queue: PostingQueue | undefined
  /** What it goes by, once it does: nothing is read of its bytes any more after `destroy`. */
  connection: { destroy(): void } | undefined
  readonly #server: string
  readonly #abort: Abort
  readonly #resolve: (answer: HttpAnswer) => void
  readonly #reject: (refused: Refused) => void

  constructor(
    { head, server, isLast }: Outgoing,
    body: readonly Buffer[],
    abort: Abort,
    resolve: (answer: HttpAnswer) => void,
    reject: (refused: Refused) => void,
  ) {
    this.head = head
    this.isLast = isLast
    this.body = body
    let length = 0
    for (const part of body) length += part.length
    this.length = length
    this.#server = server
    this.#abort = abort
    this.#resolve = resolve
    this.#reject = reject
    abort.addEventListener('abort', this.#cancel, { once: true })
  }

  answered(answer: HttpAnswer): void {
    this.#leave()
    this.#resolve(answer)
  }

  failed(error: Error): void {
    this.#leave()
    this.#reject(unreachable(this.#server, error))
  }

  readonly #cancel = (): void => {
    this.#leave()
    if (this.connection) this.connection.destroy()
    else this.queue?.forget(this)
    this.#reject(refusalOfAbort(this.#abort))
  }

  #leave(): void {
    this.#abort.removeEventListener('abort', this.#cancel)
  }
}

export interface PostingQueue {
  forget(posting: Posting): void
}

/** What is the same for many requests. */
export interface Outgoing {
  /** Request line and headers, the last of them without its value: the number of the body's bytes. */
  readonly head: string
  /** The same without those that tell how the message goes on and ends. */
  readonly headers: Readonly<Record<string, string>>
  /** With the query. */
  readonly path: string
  /** As errors name it. */
  readonly server: string
  readonly isLast: boolean
}

/** No answer came: nothing listens, no such name, a certificate that is not believed, a connection that broke. All may pass. */
export function unreachable(server: string, error: Error): Refused {
  const { code = '' } = error as NodeJS.ErrnoException
  const reason =
    error.message || (error instanceof AggregateError && (error.errors[0] as Error | undefined)?.message) || code
  const isDistrust = /CERT|SELF_SIGNED|ISSUER|ALTNAME|^ERR_TLS/.test(code)
  const message = isDistrust
    ? `the certificate of ${server} is not trusted: ${reason} (${code})`
    : `${server}: ${reason}`
  return new Refused(message, { code: 'unavailable', retry: {}, cause: error })
}
