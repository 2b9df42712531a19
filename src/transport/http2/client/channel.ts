import { Refused } from '../../../component/refused.ts'
import type { Message } from './answer.ts'
import { Backend } from './backend.ts'
import type { BackendOwner } from './backend.ts'
import { Backoff } from './backoff.ts'
import type { Call, Place } from './call.ts'
import type { Dialing } from './dial.ts'
import { addressText } from './resolver.ts'
import type { Resolver } from './resolver.ts'
import type { ClientSession } from './session.ts'
import type { SessionOptions } from './session-owner.ts'

/** Requests that wait for a connection, or for room on one. */
const MOST_WAITING = 10_000
/** gRPC lets clients try again at once what a server has not begun with (https://grpc.io/docs/guides/retry/#transparent-retry). */
const MOST_TRIES = 3
/** How long a connection may take to come about, in milliseconds: most of what a request may take, within these bounds. */
const CONNECT_LIMITS = { least: 4_000, most: 20_000, share: 0.8 }
/** `pick_first`: when the next address is tried beside one that keeps us waiting (RFC 8305, 5), in milliseconds. */
const NEXT_ADDRESS = 250

export interface ChannelOptions extends SessionOptions {
  readonly balancer: string
  readonly waitForReady: boolean
}

/** All connections to a server, whatever its addresses, and what waits for one. */
export class Channel implements Place, BackendOwner {
  readonly #resolver: Resolver
  readonly #options: ChannelOptions
  readonly #inflate: (call: Call, message: Message) => void
  readonly #waiting = new Set<Call>()
  readonly #lookUps = new Backoff()
  #how: Dialing
  #backends: readonly Backend[] = []
  #turn = 0
  #limit = CONNECT_LIMITS.most
  /** Why nobody can be reached, where that is so. */
  #trouble: Refused | undefined
  #lookUpNotBefore = -Infinity
  #isLookingUp = false
  /** When a connection was begun last. */
  #dialed = -Infinity
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(
    resolver: Resolver,
    how: Dialing,
    options: ChannelOptions,
    inflate: (call: Call, message: Message) => void,
  ) {
    this.#resolver = resolver
    this.#how = how
    this.#options = options
    this.#inflate = inflate
  }

  get #isPickFirst(): boolean {
    return this.#options.balancer === 'pick_first'
  }

  /** Sends the call by one of the connections, or lets it wait for one. `now` by `performance.now()`. */
  start(call: Call, now = performance.now()): void {
    if (this.#waiting.size === 0) {
      const session = this.#pick()
      if (session !== undefined) return begin(session, call, now)
    }
    if (this.#isClosed) return call.end(new Refused('the client is closed', { code: 'cancelled', retry: {} }))
    if (this.#waiting.size >= MOST_WAITING)
      return call.end(new Refused('too many requests wait for a connection', { code: 'resource_exhausted', retry: {} }))
    call.place = this
    this.#waiting.add(call)
    const { least, most, share } = CONNECT_LIMITS
    this.#limit = call.timeout > 0 ? Math.min(Math.max(call.timeout * share, least), most) : most
    this.#connect()
    this.#judge()
  }

  /** One that waits has ended by itself. */
  leave(call: Call): void {
    this.#waiting.delete(call)
  }

  /** Requests from now on go by connections made so; those under way are still answered. */
  renew(how: Dialing): void {
    this.#how = how
    this.#trouble = undefined
    this.#drop(this.#backends)
    this.#backends = []
    if (this.#waiting.size > 0) this.#connect()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#drop(this.#backends)
    this.#backends = []
    const gone = new Refused('the client was closed before there was a connection', { code: 'cancelled', retry: {} })
    for (const call of this.#waiting) call.end(gone)
  }

  // What backends tell.

  freed(): void {
    if (this.#waiting.size === 0 && this.#trouble === undefined) return
    if (this.#trouble !== undefined && this.#backends.some((backend) => backend.isReady)) this.#trouble = undefined
    for (const call of this.#waiting) {
      const session = this.#pick()
      if (session === undefined) return this.#connect()
      this.#waiting.delete(call)
      begin(session, call, performance.now())
    }
  }

  failed(reason: Refused): void {
    this.#trouble = reason
    this.#lookUp()
    this.#connect()
    this.#judge()
  }

  lost(): void {
    this.#lookUp()
    this.#proceed()
  }

  again(call: Call, refused: Refused): void {
    if (call.tries >= MOST_TRIES) call.end(refused)
    else this.start(call)
  }

  answered(call: Call, message: Message): void {
    this.#inflate(call, message)
  }

  #pick(): ClientSession | undefined {
    const { length } = this.#backends
    for (let tries = 0; tries < length; tries++) {
      this.#turn = this.#turn + 1 < length ? this.#turn + 1 : 0
      const session = (this.#backends[this.#turn] as Backend).pick()
      if (session !== undefined) return session
    }
    return undefined
  }

  /** Makes what connections are wanted and allowed now. */
  #connect(): void {
    if (this.#isClosed) return
    if (this.#backends.length === 0) this.#lookUp()
    const now = performance.now()
    if (this.#isPickFirst) this.#connectFirst(now)
    else for (const backend of this.#backends) this.#dial(backend, now)
    this.#lookLater(now)
  }

  /** Whoever spreads its requests wants all addresses, but only while it uses any. */
  get #isInUse(): boolean {
    return this.#waiting.size > 0 || (!this.#isPickFirst && this.#backends.some((backend) => backend.isReady))
  }

  #proceed(): void {
    if (!this.#isInUse) return
    this.#connect()
    this.#judge()
  }

  /** One after the other, until one is there. */
  #connectFirst(now: number): void {
    const used = this.#backends.find((backend) => backend.isReady)
    if (used) {
      for (const backend of this.#backends) if (backend !== used) backend.giveUp()
      return this.#dial(used, now)
    }
    const isPatient = now < this.#dialed + NEXT_ADDRESS && this.#backends.some((backend) => backend.isConnecting)
    const next = isPatient ? undefined : this.#backends.find((backend) => backend.canConnect(now))
    if (next) this.#dial(next, now)
  }

  #dial(backend: Backend, now: number): void {
    if (!backend.canConnect(now) || !isWanted(backend)) return
    this.#dialed = now
    backend.connect(this.#how, this.#limit)
  }

  /** When somebody may be tried again for what waits. */
  #lookLater(now: number): void {
    clearTimeout(this.#timer)
    if (!this.#isInUse || this.#isLookingUp) return
    let at = this.#backends.length === 0 ? this.#lookUpNotBefore : Infinity
    for (const backend of this.#backends)
      if (!backend.isConnecting && !backend.isReady)
        at = Math.min(at, Math.max(backend.notBefore, this.#isPickFirst ? this.#dialed + NEXT_ADDRESS : now))
    if (at === Infinity) return
    this.#timer = setTimeout(() => this.#connect(), Math.max(1, at - now)).unref()
  }

  /** What waits fails where nobody is there, and nobody will be by what goes on now. */
  #judge(): void {
    const isHoping = this.#isLookingUp || this.#backends.some((backend) => backend.isReady || backend.isConnecting)
    const trouble = this.#trouble
    if (trouble === undefined || isHoping || this.#options.waitForReady) return
    for (const call of this.#waiting) call.end(trouble)
  }

  #lookUp(): void {
    if (this.#isLookingUp || this.#isClosed || performance.now() < this.#lookUpNotBefore) return
    this.#isLookingUp = true
    this.#resolver.refresh().then(
      (addresses) => {
        this.#isLookingUp = false
        this.#lookUps.reset()
        this.#lookUpNotBefore = -Infinity
        this.#take(addresses)
      },
      (error: Error) => {
        this.#isLookingUp = false
        this.#lookUpNotBefore = performance.now() + this.#lookUps.delay()
        // Addresses that are known stay good.
        if (this.#backends.length === 0)
          this.#trouble = new Refused(`name resolution failed: ${error.message}`, {
            code: 'unavailable',
            retry: {},
            cause: error,
          })
        this.#lookLater(performance.now())
        this.#judge()
      },
    )
  }

  #take(addresses: Resolver['known']): void {
    if (this.#isClosed) return
    const known = new Map(this.#backends.map((backend) => [addressText(backend.address), backend]))
    const taken = addresses.map(
      (address) => known.get(addressText(address)) ?? new Backend(address, this.#options, this),
    )
    const left = this.#backends.filter((backend) => !taken.includes(backend))
    const isSame = left.length === 0 && taken.length === this.#backends.length
    if (!isSame) this.#backends = taken
    this.#drop(left)
    this.#proceed()
  }

  #drop(backends: readonly Backend[]): void {
    for (const backend of backends) backend.retire()
  }
}

function begin(session: ClientSession, call: Call, now: number): void {
  call.tries++
  session.begin(call, now)
}

/** A server that has a connection needs another where that takes no further request. */
const isWanted = (backend: Backend): boolean => !backend.isReady || backend.pick() === undefined
