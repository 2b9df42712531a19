import { parse } from 'yaml'
import type { ExtensionContext, HttpReply, HttpRequest } from '../../plugin.ts'
import { isSecond, LIVE, READY, STATUS } from './options.ts'
import type { HealthOptions } from './options.ts'
import { isFailing } from './status-report.ts'
import type { Health } from './status-report.ts'

type Page = (query: URLSearchParams) => HttpReply | Promise<HttpReply>

/** What each path answers. */
export class Answers {
  readonly #context: ExtensionContext<HealthOptions>
  readonly #health: Health
  readonly #pages: ReadonlyMap<string, Page>

  constructor(context: ExtensionContext<HealthOptions>, health: Health) {
    this.#context = context
    this.#health = health
    this.#pages = new Map(this.#pagesOf(context.config))
  }

  async answer({ method, path, query }: HttpRequest): Promise<HttpReply> {
    if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'only GET is answered' })
    const page = this.#pages.get(path)
    return page ? page(new URLSearchParams(query)) : json(404, { error: `try ${[...this.#pages.keys()].join(' ')}` })
  }

  *#pagesOf(config: HealthOptions): Iterable<readonly [string, Page]> {
    const { http, path } = config
    if (!isSecond(config)) yield [path, () => this.#running()]
    yield [LIVE, () => json(200, { status: 'Server available' })]
    yield [READY, () => this.#ready()]
    if (!isSecond(config)) yield [STATUS, (query) => this.#status(query)]
    if (http?.status.enabled) yield [http.status.path, (query) => this.#status(query)]
    if (http?.config.enabled) yield [http.config.path, () => this.#configuration()]
  }

  /** A dead backend does not turn this red: restarting Telegen would not bring it back, and would lose what waits. */
  #running(): HttpReply {
    const { host, config, clock } = this.#context
    const { healthy, unhealthy } = config.response_body
    if (!host.ready) {
      if (unhealthy !== undefined) return text(503, unhealthy)
      return json(503, { status: 'Server not available', upSince: NEVER, uptime: '' })
    }
    if (healthy !== undefined) return text(200, healthy)
    const up = { upSince: new Date(host.startTime).toISOString(), uptime: `${(clock.now() - host.startTime) / 1000}s` }
    return json(200, { status: 'Server available', ...up })
  }

  #ready(): HttpReply {
    const { host } = this.#context
    const failing = host.statuses().filter(isFailing)
    const ready = host.ready && failing.length === 0
    const components = Object.fromEntries(
      failing.map(({ kind, id, state, reason, since }) => [
        `${kind}:${id}`,
        { state, reason, since: new Date(since).toISOString() },
      ]),
    )
    return json(ready ? 200 : 503, { ready, running: host.ready, components })
  }

  #status(query: URLSearchParams): HttpReply {
    const scope = query.get('pipeline') ?? ''
    const node = this.#health.of(scope)
    if (node === undefined) return json(404, { error: `there is no pipeline "${scope.slice(0, LONGEST_NAME)}"` })
    const isVerbose = query.has('verbose') && query.get('verbose') !== 'false'
    const now = this.#context.clock.now()
    return json(this.#health.httpStatus(node, now), this.#health.report(node, isVerbose, now))
  }

  async #configuration(): Promise<HttpReply> {
    const { control } = this.#context.host
    if (!control) return json(503, { error: 'the configuration is not known' })
    return json(200, parse(await control.configuration()) as object)
  }
}

const NEVER = '0001-01-01T00:00:00Z'
/** Characters of a name that is repeated. */
const LONGEST_NAME = 200

const json = (status: number, body: object): HttpReply => ({
  status,
  headers: { 'Content-Type': 'application/json' },
  body: `${JSON.stringify(body)}\n`,
})

const text = (status: number, body: string): HttpReply => ({
  status,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body,
})
