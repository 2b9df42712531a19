import { createServer } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { listen, loadTls } from '../../plugin.ts'
import type { Extension, ExtensionContext, Listening } from '../../plugin.ts'
import { addressOf } from './options.ts'
import type { Address, HealthConfig } from './options.ts'
import { httpStatusOf, isFailing, pipelineReport, statusReport } from './status-report.ts'

const MAX_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 5_000
const MAX_HEADER_BYTES = 8 * 1024

const SETTINGS = { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_TIMEOUT_MS }

export interface HealthServer extends Extension {
  /** Where it listens, once started: a test asks for any free port. */
  readonly port: number | undefined
}

/** Answers over HTTP how the whole is. */
export function healthServer(context: ExtensionContext<HealthConfig>): HealthServer {
  const answers = new Answers(context)
  let server: Server | undefined
  let listening: Listening | undefined
  let stopReloading = () => {}
  return {
    get port() {
      return listening?.address.kind === 'tcp' ? listening.address.port : undefined
    },
    async start() {
      const answer = (request: IncomingMessage, response: ServerResponse) => answers.answer(request, response)
      const made = context.config.tls
        ? await secureServer(context.config.tls, context, answer)
        : { server: createServer(SETTINGS, answer), stopReloading }
      server = made.server
      stopReloading = made.stopReloading
      server.maxConnections = MAX_CONNECTIONS
      const { host = '', port } = addressOf(context.config.endpoint) as Address
      listening = await listen(server, { kind: 'tcp', host, port, family: 0 }, context.log)
    },
    async stop() {
      stopReloading()
      const closed = listening?.close()
      listening = undefined
      server?.close()
      server?.closeAllConnections()
      await closed
    },
  }
}

/** The same over TLS, which follows changed certificates. */
async function secureServer(
  tls: NonNullable<HealthConfig['tls']>,
  { log }: ExtensionContext<HealthConfig>,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: SecureServer; stopReloading: () => void }> {
  const [https, { serverSecurity, reloadServerSecurity }] = await Promise.all([import('node:https'), loadTls()])
  const { context, requestCert } = await serverSecurity(tls)
  const server = https.createServer({ ...SETTINGS, ...context, requestCert, rejectUnauthorized: requestCert }, answer)
  const stopReloading = reloadServerSecurity(
    tls,
    (renewed) => server.setSecureContext(renewed),
    (error) => log.error({ error: error.message }, 'The changed certificates cannot be used; the old ones stay'),
  )
  return { server, stopReloading }
}

/** Completes the paths that requests name. */
const LOCAL = 'http://localhost'

interface Answer {
  readonly code: number
  readonly body: object | string
}

class Answers {
  readonly #context: ExtensionContext<HealthConfig>

  constructor(context: ExtensionContext<HealthConfig>) {
    this.#context = context
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume()
    const { code, body } = this.#answerTo(request)
    const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`
    response.writeHead(code, {
      'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
      'content-length': Buffer.byteLength(text),
    })
    response.end(request.method === 'HEAD' ? undefined : text)
  }

  #answerTo({ method, url: target = '/' }: IncomingMessage): Answer {
    if (!URL.canParse(target, LOCAL)) return { code: 400, body: { error: 'the path is malformed' } }
    const url = new URL(target, LOCAL)
    if (method !== 'GET' && method !== 'HEAD') return { code: 405, body: { error: 'only GET is answered' } }
    switch (url.pathname) {
      case this.#context.config.path:
        return this.#running()
      case '/live':
        return { code: 200, body: { status: 'Server available' } }
      case '/ready':
        return this.#ready()
      case '/status':
        return this.#status(url.searchParams)
      default:
        return { code: 404, body: { error: 'try / /live /ready /status' } }
    }
  }

  /** A dead backend does not turn this red: restarting Telegen would not bring it back, and would lose what waits. */
  #running(): Answer {
    const { host, config, clock } = this.#context
    const { healthy, unhealthy } = config.response_body
    if (!host.ready)
      return { code: 503, body: unhealthy ?? { status: 'Server not available', upSince: NEVER, uptime: '' } }
    const up = { upSince: new Date(host.startTime).toISOString(), uptime: `${(clock.now() - host.startTime) / 1000}s` }
    return { code: 200, body: healthy ?? { status: 'Server available', ...up } }
  }

  #ready(): Answer {
    const { host } = this.#context
    const failing = host.statuses().filter(isFailing)
    const ready = host.ready && failing.length === 0
    const components = Object.fromEntries(
      failing.map(({ kind, id, state, reason, since }) => [
        `${kind}:${id}`,
        { state, reason, since: new Date(since).toISOString() },
      ]),
    )
    return { code: ready ? 200 : 503, body: { ready, running: host.ready, components } }
  }

  #status(query: URLSearchParams): Answer {
    const { host } = this.#context
    const verbose = query.has('verbose') && query.get('verbose') !== 'false'
    const pipeline = query.get('pipeline')
    const report = pipeline === null ? statusReport(host, verbose) : pipelineReport(host, pipeline, verbose)
    if (report === undefined) return { code: 404, body: { error: `there is no pipeline "${pipeline}"` } }
    return { code: httpStatusOf(report), body: report }
  }
}

const NEVER = '0001-01-01T00:00:00Z'
