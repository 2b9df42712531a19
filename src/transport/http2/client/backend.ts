import type net from 'node:net'
import { Refused } from '../../../component/refused.ts'
import type { Message } from './answer.ts'
import { Backoff } from './backoff.ts'
import type { Call } from './call.ts'
import { dial } from './dial.ts'
import type { Dialing } from './dial.ts'
import { lost } from './resets.ts'
import { addressText } from './resolver.ts'
import type { Address } from './resolver.ts'
import { ClientSession } from './session.ts'
import type { SessionOptions } from './session-owner.ts'

/** Connections at the same time to one address, where a server takes fewer requests on one than there are. */
const MOST_CONNECTIONS = 8

/** Whoever has the backend. */
export interface BackendOwner {
  /** There may be room for another request. */
  freed(): void
  /** It could not be reached, for `reason`. */
  failed(reason: Refused): void
  /** A connection takes no further requests. */
  lost(): void
  again(call: Call, refused: Refused): void
  answered(call: Call, message: Message): void
}

/** One address of a server: its connections, and how long it is left alone where it cannot be reached. */
export class Backend {
  readonly address: Address
  readonly #owner: BackendOwner
  readonly #options: SessionOptions
  readonly #backoff = new Backoff()
  #sessions: readonly ClientSession[] = []
  #notBefore = -Infinity
  #dialing: AbortController | undefined

  constructor(address: Address, options: SessionOptions, owner: BackendOwner) {
    this.address = address
    this.#options = options
    this.#owner = owner
  }

  get isReady(): boolean {
    return this.#sessions.length > 0
  }

  get isConnecting(): boolean {
    return this.#dialing !== undefined
  }

  /** When it may be tried again, by `performance.now()`. */
  get notBefore(): number {
    return this.#notBefore
  }

  /** A connection on which a request can begin. */
  pick(): ClientSession | undefined {
    for (const session of this.#sessions) if (session.hasRoom) return session
    return undefined
  }

  /** Whether another connection may be made now. */
  canConnect(now: number): boolean {
    return !this.isConnecting && now >= this.#notBefore && this.#sessions.length < MOST_CONNECTIONS
  }

  /** Makes one more connection, which may take `limit` milliseconds. */
  connect(how: Dialing, limit: number): void {
    const abort = (this.#dialing = new AbortController())
    const late = () => abort.abort(new Error(`no connection came about within ${Math.round(limit)} ms`))
    const timer = setTimeout(late, limit)
    const end = () => {
      clearTimeout(timer)
      if (this.#dialing === abort) this.#dialing = undefined
    }
    dial(this.address, how, abort.signal).then(
      (socket) => this.#begin(socket, abort, end),
      (error: Error) => {
        end()
        if (!(error instanceof GivenUp)) this.#fail(error)
      },
    )
  }

  /** Gives up the connection that is being made. */
  giveUp(): void {
    this.#dialing?.abort(new GivenUp())
    this.#dialing = undefined
  }

  /** No further requests by the connections that there are. */
  retire(): void {
    this.giveUp()
    for (const session of this.#sessions) session.retire()
  }

  /** HTTP/2 begins: the connection has come about when the server has said its settings. */
  #begin(socket: net.Socket, abort: AbortController, end: () => void): void {
    // It may be given up between the moment that it is there and this one.
    if (abort.signal.reason instanceof GivenUp) return void socket.destroy()
    let isReady = false
    const session = new ClientSession(socket, this.#options, {
      ready: () => {
        isReady = true
        end()
        this.#notBefore = -Infinity
        this.#sessions = [...this.#sessions, session]
        this.#owner.freed()
      },
      freed: () => this.#owner.freed(),
      retired: () => this.#remove(session),
      closed: (reason) => {
        if (isReady) return this.#remove(session)
        end()
        if (!(abort.signal.reason instanceof GivenUp)) this.#fail(reason)
      },
      again: (call, refused) => this.#owner.again(call, refused),
      answered: (call, message) => this.#owner.answered(call, message),
    })
    abort.signal.addEventListener(
      'abort',
      () => isReady || session.destroy(lost((abort.signal.reason as Error).message)),
    )
  }

  #remove(session: ClientSession): void {
    if (!this.#sessions.includes(session)) return
    this.#sessions = this.#sessions.filter((each) => each !== session)
    // Who takes connections and sends them away at once is left alone, too.
    if (session.hasServed) this.#backoff.reset()
    else this.#notBefore = performance.now() + this.#backoff.delay()
    this.#owner.lost()
  }

  #fail(error: Error): void {
    this.#notBefore = performance.now() + this.#backoff.delay()
    const message = `no connection to ${addressText(this.address)}: ${error.message}`
    this.#owner.failed(new Refused(message, { code: 'unavailable', retry: {}, cause: error }))
  }
}

/** Nobody wants the connection any more. */
class GivenUp extends Error {
  constructor() {
    super('the connection is not needed any more')
    this.name = 'GivenUp'
  }
}
