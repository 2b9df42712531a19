import { createRequire } from 'node:module'
import type { Dispatcher, ProxyAgent } from 'undici'
import type { Abort } from '../component/cancellation.ts'
import { MAX_DELAY } from '../component/clock.ts'
import { Refused } from '../component/refused.ts'
import { refusalOfAbort } from './abort.ts'
import { ANSWER_LIMIT } from './http-answer-reader.ts'
import type { HttpAnswer } from './http-exchange.ts'
import { CONNECT_TIMEOUT } from './http-connection.ts'
import type { PoolLimits } from './http-pool.ts'
import { unreachable } from './http-posting.ts'
import type { Outgoing } from './http-posting.ts'
import type { ClientSecurity } from './tls.ts'

// All of undici takes 0.2 s to load: who goes through no proxy does without.
const require = createRequire(import.meta.url)

/** Requests to one server through a proxy, by undici. */
export class ProxiedPool {
  readonly #url: URL
  readonly #proxy: string
  readonly #limits: PoolLimits
  #agent: ProxyAgent
  /** Those of old certificates, until what is under way on them has been answered. */
  readonly #retired = new Set<ProxyAgent>()

  constructor(url: URL, proxy: string, limits: PoolLimits, security: ClientSecurity | undefined) {
    this.#url = url
    this.#proxy = proxy
    this.#limits = limits
    this.#agent = this.#made(security)
  }

  post(outgoing: Outgoing, body: readonly Buffer[], abort: Abort): Promise<HttpAnswer> {
    const { origin } = this.#url
    const { path, headers, isLast } = outgoing
    // undici writes a body at the socket's pace, and may settle before: what it gets is a copy.
    const copy = Buffer.concat(body)
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(outgoing.server, abort, resolve, reject)
      this.#agent.dispatch(
        { origin, path, method: 'POST', headers, body: copy, headersTimeout: 0, bodyTimeout: 0, reset: isLast },
        exchange,
      )
    })
  }

  /** Connections from now on are made so; requests under way are still answered. */
  renew(security: ClientSecurity): void {
    const old = this.#agent
    this.#agent = this.#made(security)
    this.#retired.add(old)
    const forget = () => this.#retired.delete(old)
    // An agent that `close` destroys meanwhile says so here, and nobody needs to know.
    void old.close().then(forget, forget)
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent, ...this.#retired].map((agent) => agent.destroy()))
  }

  #made(security: ClientSecurity | undefined): ProxyAgent {
    // By itself the agent lacks what the whole library adds to it.
    const undici = require('undici') as { readonly ProxyAgent: typeof ProxyAgent }
    const { most } = this.#limits
    const idle = Math.min(this.#limits.idle, MAX_DELAY)
    return new undici.ProxyAgent({
      uri: this.#proxy,
      allowH2: false,
      connections: most || null,
      keepAliveTimeout: Math.max(1, idle),
      keepAliveMaxTimeout: Math.max(1, idle),
      requestTls: connectOf(security) as never,
    })
  }
}

function connectOf(security: ClientSecurity | undefined) {
  if (security === undefined) return { timeout: CONNECT_TIMEOUT }
  const { context, rejectUnauthorized, serverName } = security
  return {
    timeout: CONNECT_TIMEOUT,
    secureContext: context,
    rejectUnauthorized,
    ...(serverName !== undefined && { servername: serverName }),
  }
}

/** One request under way: undici's handler. Settles once. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #server: string
  readonly #abort: Abort
  readonly #resolve: (answer: HttpAnswer) => void
  readonly #reject: (refused: Refused) => void
  readonly #chunks: Buffer[] = []
  #size = 0
  #status = 0
  #headers = new Map<string, string>()
  #controller: Dispatcher.DispatchController | undefined

  constructor(server: string, abort: Abort, resolve: (answer: HttpAnswer) => void, reject: (refused: Refused) => void) {
    this.#server = server
    this.#abort = abort
    this.#resolve = resolve
    this.#reject = reject
    abort.addEventListener('abort', this.#cancel, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#abort.aborted) controller.abort(refusalOfAbort(this.#abort))
  }

  /** A request that still waits for a connection is let go at once; undici is told when it wants to begin with it. */
  readonly #cancel = (): void => {
    const refused = refusalOfAbort(this.#abort)
    if (this.#controller) this.#controller.abort(refused)
    else this.#reject(refused)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.#status = status
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.#headers.set(name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value)
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = ANSWER_LIMIT - this.#size
    if (room > 0) this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
    this.#size += chunk.length
    if (this.#size <= ANSWER_LIMIT) return
    // Nobody needs the rest: what is known already is the answer, and the connection is given up.
    this.#settle()
    controller.abort(new Error('the answer is longer than it is read'))
  }

  onResponseEnd(): void {
    this.#settle()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#leave()
    this.#reject(error instanceof Refused ? error : unreachable(this.#server, error))
  }

  #settle(): void {
    this.#leave()
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) })
  }

  #leave(): void {
    this.#abort.removeEventListener('abort', this.#cancel)
  }
}
