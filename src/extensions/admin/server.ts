import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { listen, listenAddress, loadTls, ServerAuthentication } from '../../plugin.ts'
import type { Extension, ExtensionContext, Listening } from '../../plugin.ts'
import { Answering } from './answering.ts'
import type { AdminConfig } from './options.ts'

const MAX_CONNECTIONS = 64
const MAX_HEADER_BYTES = 16 * 1024
/** How long a request may take to arrive. */
const REQUEST_TIMEOUT_MS = 10_000
/** How often that is looked at. */
const CHECKING_INTERVAL_MS = 2_000
const HANDSHAKE_TIMEOUT_MS = 10_000

const SETTINGS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: CHECKING_INTERVAL_MS,
}

export interface AdminServer extends Extension {
  /** Where it listens, once started: a test asks for any free port. */
  readonly port: number | undefined
}

/** Listens for operators. */
export function adminServer(context: ExtensionContext<AdminConfig>): AdminServer {
  const { config, log } = context
  let server: Server | undefined
  let listening: Listening | undefined
  let answering: Answering | undefined
  let stopReloading = () => {}
  return {
    get port() {
      return listening?.address.kind === 'tcp' ? listening.address.port : undefined
    },
    async start() {
      const { auth, tls } = config
      const authenticator = auth && context.extension(ServerAuthentication, auth.authenticator)
      const answers = (answering = new Answering(context, authenticator))
      const answer = (request: IncomingMessage, response: ServerResponse) => void answers.answer(request, response)
      const made = tls ? await secure(tls, context) : { server: createServer(SETTINGS), stopReloading: () => {} }
      stopReloading = made.stopReloading
      server = made.server.on('request', answer)
      server.maxConnections = MAX_CONNECTIONS
      listening = await listen(server, listenAddress(config.endpoint, config.transport), log)
    },
    /** Whoever waits for the end of a reload, of which this stop may be a part, has his answer after it. */
    async stop(deadline) {
      stopReloading()
      const closed = listening?.close()
      listening = undefined
      await answering?.stop(deadline)
      server?.close()
      server?.closeIdleConnections()
      if (answering?.isWaitedFor) return
      server?.closeAllConnections()
      await closed
    },
  }
}

/** The same over TLS, which follows changed certificates. */
async function secure(tls: NonNullable<AdminConfig['tls']>, { log }: ExtensionContext<AdminConfig>) {
  const [https, { serverSecurity, protect }] = await Promise.all([import('node:https'), loadTls()])
  const { context, requestCert } = await serverSecurity(tls)
  const server = https.createServer({
    ...SETTINGS,
    ...context,
    requestCert,
    rejectUnauthorized: requestCert,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  })
  const guarded = protect(server, tls, log)
  return { server, stopReloading: () => guarded.stop() }
}
