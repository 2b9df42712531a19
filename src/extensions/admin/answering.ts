import type { IncomingMessage, ServerResponse } from 'node:http'
import { admission, answerTo } from '../../plugin.ts'
import type { ExtensionContext, RequestHeaders, ServerAuthenticator } from '../../plugin.ts'
import { refusal, send } from './answer.ts'
import type { Answer } from './answer.ts'
import { guard } from './guard.ts'
import type { AdminConfig } from './options.ts'
import type { Route } from './route.ts'
import { routeOf } from './routes.ts'

/** Requests answered at a time, those that go on for long among them. */
const MAX_REQUESTS = 32

const QUIET_MS = 60_000

/** Completes the paths that requests name. */
const LOCAL = 'http://localhost'

interface UnderWay {
  readonly route: Route
  readonly left: AbortController
  readonly done: Promise<void>
}

/** Judges requests and gives them to their routes. */
export class Answering {
  readonly #context: ExtensionContext<AdminConfig>
  readonly #authenticator: ServerAuthenticator | undefined
  readonly #rejection: ReturnType<typeof guard>
  readonly #underWay = new Set<UnderWay>()
  /** When refusals of a status were last told. */
  readonly #told = new Map<number, number>()
  #stopping = false

  constructor(context: ExtensionContext<AdminConfig>, authenticator: ServerAuthenticator | undefined) {
    this.#context = context
    this.#authenticator = authenticator
    this.#rejection = guard(context.config)
  }

  /** Whether somebody still waits for an answer that comes after the stop. */
  get isWaitedFor(): boolean {
    return [...this.#underWay].some(({ route }) => route.outlives)
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { log } = this.#context
    // Who goes away breaks off what he sends or is sent: that is his affair.
    request.on('error', () => {})
    response.on('error', () => {})
    try {
      const rejected = this.#rejection(request) ?? (await this.#unauthenticated(request))
      if (rejected) {
        const { status, reason, challenge } = { challenge: undefined, ...rejected }
        this.#tell(request, status, reason)
        send(request, response, refusal(status, reason), challenge ? { 'WWW-Authenticate': challenge } : {})
      } else await this.#admitted(request, response)
    } catch (error) {
      log.error({ error, path: request.url?.split('?')[0] }, 'Answering a request failed')
      send(request, response, refusal(500, 'it failed; the log says why'))
    }
  }

  /** Ends what would go on, and resolves when all have their answer but those that may outlive this server. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping = true
    const ending = [...this.#underWay].filter(({ route }) => !route.outlives)
    for (const { left } of ending) left.abort(new Error('the admin endpoint stops'))
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const give = () => resolve()
    deadline.addEventListener('abort', give, { once: true })
    if (!deadline.aborted) await Promise.race([Promise.all(ending.map(({ done }) => done)), late])
    deadline.removeEventListener('abort', give)
  }

  /** Each kind of refusal is news once a minute: a page that tries would fill the log. */
  #tell(request: IncomingMessage, status: number, reason: string): void {
    const { clock, log } = this.#context
    const now = clock.monotonic()
    const isNews = now - (this.#told.get(status) ?? -Infinity) > QUIET_MS
    if (isNews) this.#told.set(status, now)
    const about = { peer: request.socket.remoteAddress, status, reason }
    log[isNews ? 'warn' : 'debug'](about, 'A request to the admin endpoint was refused')
  }

  async #unauthenticated(request: IncomingMessage) {
    if (this.#authenticator === undefined) return undefined
    const { refused } = await admission(
      this.#authenticator,
      headersOf(request, this.#context.config),
      this.#context.log,
    )
    if (refused === undefined) return undefined
    const { http: status, message: reason } = answerTo(refused)
    return { status, reason, ...(status === 401 && { challenge: this.#authenticator.challenge }) }
  }

  async #admitted(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: target = '/' } = request
    if (!URL.canParse(target, LOCAL)) return send(request, response, refusal(400, 'the path is malformed'))
    const url = new URL(target, LOCAL)
    const route = routeOf(method, url.pathname)
    if ('status' in route) return send(request, response, route)
    const busy = this.#busy(route)
    if (busy) return send(request, response, busy)
    const { control } = this.#context.host
    if (control === undefined) return send(request, response, refusal(503, 'there is no program around this graph'))
    const left = new AbortController()
    const gone = () => left.abort(new Error('the client went away'))
    response.once('close', gone)
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const underWay = { route, left, done }
    this.#underWay.add(underWay)
    try {
      const asked = { request, response, query: url.searchParams, abort: left.signal, control, context: this.#context }
      const answer = await route.handle(asked)
      if (answer) send(request, response, answer, this.#stopping ? { Connection: 'close' } : {})
    } catch (error) {
      // What was broken off because nobody waits for it any more has not failed.
      if (!left.signal.aborted) throw error
      response.destroy()
    } finally {
      response.off('close', gone)
      this.#underWay.delete(underWay)
      resolve()
    }
  }

  #busy(route: Route): Answer | undefined {
    if (this.#stopping) return refusal(503, 'it stops')
    if (this.#underWay.size >= MAX_REQUESTS) return refusal(429, `${MAX_REQUESTS} requests are under way`)
    if (route.alone && [...this.#underWay].some((each) => each.route === route))
      return refusal(429, 'one is under way, and it is done once at a time')
    return undefined
  }
}

/** With the parameters of the query that stand in for headers. */
function headersOf({ headersDistinct, url = '/' }: IncomingMessage, { auth }: AdminConfig): RequestHeaders {
  const headers = new Map<string, readonly string[]>()
  for (const [name, values] of Object.entries(headersDistinct)) if (values !== undefined) headers.set(name, values)
  const query = new URLSearchParams(url.split('?').slice(1).join('?'))
  for (const name of auth?.request_params ?? [])
    if (query.has(name)) headers.set(name.toLowerCase(), query.getAll(name))
  return headers
}
