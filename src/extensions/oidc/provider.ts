import { createHash } from 'node:crypto'
import type { AuthenticationData } from '../../plugin.ts'
import type { KeySet } from './key-set.ts'
import type { ProviderOptions } from './options.ts'
import { InvalidToken } from './invalid-token.ts'
import { verified } from './verify.ts'
import type { Claims, Rules } from './verify.ts'

export interface KeySource {
  /** Undefined where there are none yet. */
  readonly keys: KeySet | undefined
  start(): Promise<void>
  stop(): void
  /** Other keys than those; undefined where there are none. Rejects with a `Refused` where that cannot be found out now. */
  newer(than: KeySet | undefined): Promise<KeySet | undefined>
}

/** Tokens whose signature need not be checked again; senders send the same for minutes. */
const MOST_REMEMBERED = 1024

interface Remembered {
  readonly data: AuthenticationData
  /** Seconds since the Unix epoch. */
  readonly expires: number
}

/** Checks the tokens of one issuer. */
export class Provider {
  readonly source: KeySource
  readonly #options: ProviderOptions
  readonly #rules: Rules
  #remembered = new Map<string, Remembered>()
  #of: KeySet | undefined

  constructor(options: ProviderOptions, rules: Rules, source: KeySource) {
    this.source = source
    this.#options = options
    this.#rules = rules
  }

  /** What a token says of its sender. Throws `InvalidToken`, or a `Refused` where nobody can tell now. */
  async authenticate(token: string, now: number): Promise<AuthenticationData> {
    const digest = createHash('sha256').update(token).digest('base64')
    const known = this.#of === this.source.keys ? this.#remembered.get(digest) : undefined
    if (known && known.expires > now / 1000 - this.#rules.skew) return known.data
    const { claims, keys } = await this.#claims(token, now)
    const data = dataOf(claims, token, this.#options)
    // They may have changed meanwhile.
    if (keys === this.source.keys) this.#remember(digest, { data, expires: claims.exp })
    return data
  }

  async #claims(token: string, now: number): Promise<{ readonly claims: Claims; readonly keys: KeySet }> {
    const keys = this.source.keys ?? (await this.source.newer(undefined))
    if (keys === undefined) throw new InvalidToken('key')
    try {
      return { claims: await verified(token, keys.find, this.#rules, now), keys }
    } catch (error) {
      if (!(error instanceof InvalidToken) || error.reason !== 'key') throw error
      const newer = await this.source.newer(keys)
      if (newer === undefined) throw error
      return { claims: await verified(token, newer.find, this.#rules, now), keys: newer }
    }
  }

  /** Until the keys change: a signature by a key that is gone is none. */
  #remember(digest: string, remembered: Remembered): void {
    if (this.#of !== this.source.keys) this.#remembered = new Map()
    this.#of = this.source.keys
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size >= MOST_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest)
    this.#remembered.set(digest, remembered)
  }
}

/** By the Collector's names: each claim by its own, and `subject`, `membership`, `raw`. */
function dataOf(claims: Claims, raw: string, options: ProviderOptions): AuthenticationData {
  const data = Object.create(null) as Record<string, unknown>
  const subject = subjectOf(claims, options.username_claim)
  return Object.assign(data, claims, { subject, membership: membershipOf(claims, options.groups_claim), raw })
}

function subjectOf(claims: Claims, name: string | undefined): string {
  if (!name) return typeof claims['sub'] === 'string' ? claims['sub'] : ''
  const subject = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (typeof subject !== 'string') throw new InvalidToken('claims')
  return subject
}

function membershipOf(claims: Claims, name: string | undefined): readonly string[] {
  if (!name) return []
  if (!Object.hasOwn(claims, name)) throw new InvalidToken('claims')
  const groups = claims[name]
  if (typeof groups === 'string') return [groups]
  return Array.isArray(groups) ? groups.map(String) : []
}
