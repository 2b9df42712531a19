import { lookup } from 'node:dns/promises'
import net from 'node:net'
import { hostPort } from '../../address.ts'

/** Where a connection goes to. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export const addressText = (address: Address): string =>
  address.kind === 'unix' ? `unix:${address.path}` : hostPort(address.host, address.port)

export type LookUp = (host: string) => Promise<readonly { readonly address: string }[]>

const systemLookUp: LookUp = (host) => lookup(host, { all: true, order: 'verbatim' })

/** How long what was found is good enough, in milliseconds: gRPC's `dns_min_time_between_resolutions`. */
const LEAST_INTERVAL = 30_000
/** Of what a name has; further ones are left out. */
const MOST_ADDRESSES = 256

/** The addresses of one server's name, looked up again when somebody finds that they may have changed. */
export class Resolver {
  readonly #host: string
  readonly #port: number
  readonly #lookUp: LookUp
  readonly #now: () => number
  #known: readonly Address[]
  #found = -Infinity
  #underway: Promise<readonly Address[]> | undefined

  constructor(address: Address, lookUp: LookUp = systemLookUp, now: () => number = () => performance.now()) {
    const isName = address.kind === 'tcp' && net.isIP(address.host) === 0
    this.#host = isName ? address.host : ''
    this.#port = isName ? address.port : 0
    this.#known = isName ? [] : [address]
    this.#lookUp = lookUp
    this.#now = now
  }

  /** What was found last. */
  get known(): readonly Address[] {
    return this.#known
  }

  /** Looks the name up, but where that was done a moment ago. Rejects where it is nobody's, or nobody can tell. */
  refresh(): Promise<readonly Address[]> {
    if (this.#host === '' || this.#now() - this.#found < LEAST_INTERVAL) return Promise.resolve(this.#known)
    this.#underway ??= this.#resolve().finally(() => (this.#underway = undefined))
    return this.#underway
  }

  async #resolve(): Promise<readonly Address[]> {
    const found = await this.#lookUp(this.#host)
    const hosts = new Set(found.map(({ address }) => address))
    if (hosts.size === 0) throw new Error(`${this.#host} has no addresses`)
    this.#known = [...hosts].slice(0, MOST_ADDRESSES).map((host) => ({ kind: 'tcp', host, port: this.#port }))
    this.#found = this.#now()
    return this.#known
  }
}
