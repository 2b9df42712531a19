import type { Server, TLSSocket } from 'node:tls'
import type { AuthenticationData } from '../component/authentication.ts'
import type { Log } from '../component/context.ts'
import { Refused } from '../component/refused.ts'
import { allowing, identityOf, namesOf } from './client-names.ts'
import { reloadServerSecurity } from './tls.ts'
import type { ServerTls } from './tls-options.ts'

export { serverSecurity } from './tls.ts'

/** The same reason is logged so often, in milliseconds, and of so many different ones. */
const QUIET = 60_000
const MOST_REASONS = 32

export interface ProtectedServer {
  /** What the client's certificate proves, where clients must show one. */
  identity(socket: object): AuthenticationData | undefined
  /** Ends the reading of changed certificates. */
  stop(): void
}

/**
 * Does for a TLS server what its options say and node:tls does not: changed certificates are taken without a connection being
 * dropped, clients whose certificate has none of the names that it must have are cut off, and why handshakes fail is logged. `onRefused`
 * hears of each client that was cut off for its certificate.
 */
export function protect(
  server: Server,
  options: ServerTls,
  log: Log,
  onRefused: (refused: Refused) => void = () => {},
): ProtectedServer {
  const identities = new WeakMap<object, AuthenticationData>()
  const reasons = new Reasons(log)
  const isAllowed = allowing(options.client_allowed_names)
  // Before the protocol hears of the connection.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (options.client_ca_file === undefined) return
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return void socket.destroy()
    if (isAllowed(namesOf(certificate))) return void identities.set(socket, identityOf(certificate))
    const names = namesOf(certificate).join(', ') || 'none'
    reasons.log(`its certificate has none of client_allowed_names, but ${names.slice(0, LONGEST_NAMES)}`, socket)
    onRefused(NOT_ALLOWED)
    socket.destroy()
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const { authorizationError } = socket as { authorizationError?: unknown }
    const code = typeof authorizationError === 'string' ? authorizationError : (error.code ?? '')
    // Whoever looks whether the port is open goes away so.
    if (code === 'ECONNRESET') return
    reasons.log(reasonOf(code, error), socket)
    if (code in CERTIFICATE_FAULTS) onRefused(NOT_TRUSTED)
  })
  let stop = () => {}
  // One that cannot listen has nobody to stop it.
  server.once('listening', () => {
    stop = reloadServerSecurity(
      options,
      (renewed) => server.setSecureContext(renewed),
      (error) => log.error({ error: error.message }, 'The changed certificates cannot be used; the old ones stay'),
    )
  })
  return { identity: (socket) => identities.get(socket), stop: () => stop() }
}

/** Characters of the names of a stranger in a message. */
const LONGEST_NAMES = 200

const NOT_ALLOWED = new Refused('the name of the client certificate is not allowed', {
  code: 'permission_denied',
  retry: 'never',
})
const NOT_TRUSTED = new Refused('the client certificate is not trusted', { code: 'unauthenticated', retry: 'never' })

const STRANGER = 'its certificate was signed by nobody of client_ca_file'

const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: STRANGER,
  SELF_SIGNED_CERT_IN_CHAIN: STRANGER,
  UNABLE_TO_GET_ISSUER_CERT: STRANGER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: STRANGER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: STRANGER,
  CERT_SIGNATURE_FAILURE: STRANGER,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it showed no certificate',
}

const OTHER_FAULTS: Readonly<Record<string, string>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks no version of TLS from min_version to max_version',
  ERR_SSL_HTTP_REQUEST: 'it spoke HTTP without TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it did not speak TLS',
  ERR_SSL_NO_SHARED_CIPHER: 'it shares no cipher suite with us',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'it took too long',
}

function reasonOf(code: string, error: Error): string {
  const known = CERTIFICATE_FAULTS[code] ?? OTHER_FAULTS[code]
  if (known !== undefined) return known
  const alert = /_ALERT_(\w+)$/.exec(code)?.[1]
  if (alert === undefined) return error.message
  return `it refused our certificate or settings: ${alert.toLowerCase().replaceAll('_', ' ')}`
}

/** Why clients could not connect, each reason once a minute. */
class Reasons {
  readonly #log: Log
  readonly #seen = new Map<string, { quietUntil: number; count: number }>()

  constructor(log: Log) {
    this.#log = log
  }

  log(reason: string, { remoteAddress = 'a client' }: TLSSocket): void {
    const now = performance.now()
    if (!this.#seen.has(reason) && this.#seen.size >= MOST_REASONS) return
    const seen = this.#seen.get(reason) ?? { quietUntil: 0, count: 0 }
    this.#seen.set(reason, seen)
    seen.count++
    if (now < seen.quietUntil) return
    this.#log.warn({ peer: remoteAddress, connections: seen.count }, `A TLS connection was refused: ${reason}`)
    seen.quietUntil = now + QUIET
    seen.count = 0
  }
}
