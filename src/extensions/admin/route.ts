import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Control, ExtensionContext } from '../../plugin.ts'
import type { Answer } from './answer.ts'
import type { AdminConfig } from './options.ts'

/** A request that has passed the guard and the authenticator. */
export interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  /** Aborts when the client goes, or the server stops. */
  readonly abort: AbortSignal
  readonly control: Control
  readonly context: ExtensionContext<AdminConfig>
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  /** For the page and the documentation. */
  readonly summary: string
  /** With a query that shows what can be said. */
  readonly example?: string
  /** What costs much is done once at a time. */
  readonly alone?: true
  /** It may outlive the stop of this server, which a reload brings about. */
  readonly outlives?: true
  /** Undefined where it has written the response by itself. */
  readonly handle: (asked: Asked) => Promise<Answer | undefined>
}
