import { Capability } from './capability.ts'
import type { Origin } from './delivery.ts'
import { Refused } from './refused.ts'

/**
 * Who sends, and with what credentials: an extension offers one of these, and a component's `auth: { authenticator: id }`
 * names the extension. The transports call them, so that no component handles a credential.
 */

/** Gives requests that leave the headers by which the other side knows us. */
export interface ClientAuthenticator {
  /** True where what it adds is a secret: gRPC without TLS is then refused at the start, as gRPC's own libraries refuse it. */
  readonly confidential: boolean
  /**
   * Changes the headers of one request, keys in lower case, before it is sent; `headers` holds those of the options already. Called
   * for every attempt, so that what changes is sent as it is now. May depend on `origin`, what the receiver knew of the sender of this
   * data. A `Refused` that it throws or rejects with is the outcome of the attempt.
   */
  authenticate(headers: Map<string, string>, origin: Origin): void | Promise<void>
}

export const ClientAuthentication = new Capability<ClientAuthenticator>('client authentication')

/** What the other side proved of itself, as `Origin.auth`: `username`, `raw`, `subject`, … */
export type AuthenticationData = Readonly<Record<string, unknown>>

/** The headers of a request that arrived, keys in lower case. */
export type RequestHeaders = ReadonlyMap<string, readonly string[]>

/** Judges requests that arrive, by their headers. */
export interface ServerAuthenticator {
  /** Of a refusal over HTTP, the `WWW-Authenticate` header (RFC 9110, 11.6.1): `Basic realm="telegen"`. */
  readonly challenge: string
  /**
   * Called before the body of a request is read and before anything is reserved for it. Returns what is known of the sender, undefined
   * where that is nothing. Throws or rejects with a `Refused`, best `unauthenticated(reason)`, where the request shall not go on; the
   * reason is sent to the client and must not tell what was expected.
   */
  authenticate(headers: RequestHeaders): AuthenticationData | undefined | Promise<AuthenticationData | undefined>
}

export const ServerAuthentication = new Capability<ServerAuthenticator>('server authentication')

/** The refusal of a request whose credentials are missing or wrong. */
export const unauthenticated = (reason: string): Refused =>
  new Refused(reason, { code: 'unauthenticated', retry: 'never' })
