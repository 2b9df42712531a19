import net from 'node:net'
import type tls from 'node:tls'
import type { Abort } from '../component/cancellation.ts'
import { HttpConnection } from './http-connection.ts'
import type { ConnectionOwner, Route } from './http-connection.ts'
import type { HttpAnswer } from './http-exchange.ts'
import { Posting } from './http-posting.ts'
import type { Outgoing, PostingQueue } from './http-posting.ts'
import type { ClientSecurity } from './tls.ts'

/** A connection is not used for so long before its server would close it, in milliseconds: a request must not cross with that. */
const CROSSING = 1000
/** Connections that have been idle for too long are looked for this often, in milliseconds. */
const SWEEP_INTERVAL = 1000
const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

export interface PoolLimits {
  /** Connections at the same time; 0 means as many as there are requests. */
  readonly most: number
  /** Milliseconds; Infinity means for ever. */
  readonly idle: number
}

/** Connections to one server. Requests that find none wait in the order in which they came; how many there are their senders bound. */
export class HttpPool {
  readonly #url: URL
  readonly #limits: PoolLimits
  #made: Connections
  readonly #retired = new Set<Connections>()

  constructor(url: URL, limits: PoolLimits, security: ClientSecurity | undefined) {
    this.#url = url
    this.#limits = limits
    this.#made = new Connections(routeTo(url, security), limits)
  }

  /** Whatever is thrown on the way rejects with a `Refused`. Nothing of `body` is read when it settles. */
  post(outgoing: Outgoing, body: readonly Buffer[], abort: Abort): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => this.#made.begin(new Posting(outgoing, body, abort, resolve, reject)))
  }

  /** Requests from now on go by connections that are made so; those under way are still answered. */
  renew(security: ClientSecurity): void {
    const old = this.#made
    this.#made = new Connections(routeTo(this.#url, security), this.#limits)
    this.#retired.add(old)
    old.retire(() => this.#retired.delete(old))
  }

  close(): Promise<void> {
    for (const connections of [this.#made, ...this.#retired]) connections.close()
    return Promise.resolve()
  }
}

function routeTo(url: URL, security: ClientSecurity | undefined): Route {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = Number(url.port) || PORTS[url.protocol]!
  if (url.protocol !== 'https:' || security === undefined) return { host, port, tls: undefined }
  const { context, rejectUnauthorized, serverName } = security
  const servername = serverName ?? (net.isIP(host) ? '' : host)
  return { host, port, tls: { secureContext: context, rejectUnauthorized, servername, ALPNProtocols: ['http/1.1'] } }
}

class Connections implements ConnectionOwner, PostingQueue {
  readonly #route: Route
  readonly #limits: PoolLimits
  readonly #all = new Set<HttpConnection>()
  /** The last that became free is the first to be used. */
  readonly #idle: HttpConnection[] = []
  readonly #waiting: Posting[] = []
  #connecting = 0
  #session: Buffer | undefined
  #sweeper: NodeJS.Timeout | undefined
  #isClosed = false
  #onEmpty: (() => void) | undefined

  constructor(route: Route, limits: PoolLimits) {
    this.#route = route
    this.#limits = limits
  }

  begin(posting: Posting): void {
    if (this.#isClosed) return posting.failed(new Error('the client is closed'))
    const connection = this.#takeIdle()
    if (connection) return connection.send(posting)
    posting.queue = this
    this.#waiting.push(posting)
    this.#connect()
  }

  /** What waits and is under way is still answered; then nothing is left, and `onEmpty` is called. */
  retire(onEmpty: () => void): void {
    this.#onEmpty = onEmpty
    for (const connection of this.#idle.splice(0)) connection.destroy()
    this.#look()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeper)
    for (const posting of this.#waiting.splice(0)) posting.failed(new Error('the client is closed'))
    for (const connection of this.#all) connection.fail(new Error('the client is closed'))
  }

  forget(posting: Posting): void {
    const at = this.#waiting.indexOf(posting)
    if (at >= 0) this.#waiting.splice(at, 1)
    this.#look()
  }

  opened(connection: HttpConnection): void {
    this.#connecting--
    this.free(connection)
  }

  free(connection: HttpConnection, idle: number = Infinity): void {
    const next = this.#waiting.shift()
    if (next) return connection.send(next)
    const patience = Math.min(this.#limits.idle, idle - CROSSING)
    if (patience <= 0 || this.#onEmpty || this.#isClosed) return connection.destroy()
    connection.idleUntil = performance.now() + patience
    this.#idle.push(connection)
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_INTERVAL).unref()
  }

  /** One request fails with it, the others have connections of their own on the way, or wait for one. */
  failed(connection: HttpConnection, error: Error): void {
    this.#connecting--
    this.#waiting.shift()?.failed(error)
    this.gone(connection)
  }

  gone(connection: HttpConnection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    if (!this.#isClosed) this.#connect()
    this.#look()
  }

  resumable(session: Buffer): void {
    this.#session = session
  }

  #takeIdle(): HttpConnection | undefined {
    const now = performance.now()
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (now < connection.idleUntil) return connection
      connection.destroy()
    }
    return undefined
  }

  /** As many connections as requests wait for, within the limit. */
  #connect(): void {
    const { most } = this.#limits
    while (this.#connecting < this.#waiting.length && (most === 0 || this.#all.size < most)) {
      this.#connecting++
      const { tls: options } = this.#route
      const resumed: tls.ConnectionOptions | undefined =
        options && this.#session ? { ...options, session: this.#session } : options
      this.#all.add(new HttpConnection({ ...this.#route, tls: resumed }, this))
    }
  }

  #sweep(): void {
    const now = performance.now()
    for (const connection of this.#idle.filter(({ idleUntil }) => idleUntil <= now)) connection.destroy()
    if (this.#idle.length > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  #look(): void {
    if (this.#all.size === 0 && this.#waiting.length === 0) this.#onEmpty?.()
  }
}
