import { createHash } from 'node:crypto'
import { Bucket } from './bucket.ts'
import { LIMITS } from './options.ts'
import type { LimitName, Limits, RateLimiterOptions } from './options.ts'

/** The buckets of one sender, for what is limited. */
export type Buckets = ReadonlyMap<LimitName, Bucket>

/** How many of the senders that were silent longest are looked at, for one that can be forgotten. */
const LOOKED_AT = 8

/** Senders and their buckets, a bounded number of them, those silent longest first. */
export class Senders {
  readonly #limits: Limits
  readonly #overrides: ReadonlyMap<string, Limits>
  /** Of senders with limits of their own: nobody can invent so many others that these are counted with them. */
  readonly #excepted = new Map<string, Buckets>()
  readonly #most: number
  readonly #known = new Map<string, Buckets>()
  #others: Buckets | undefined

  constructor({ overrides, max_senders, ...limits }: RateLimiterOptions) {
    this.#limits = limits
    this.#overrides = new Map(overrides.map((each) => [keyOf(each.values), { ...limits, ...written(each) }]))
    this.#most = max_senders
  }

  get size(): number {
    return this.#known.size + this.#excepted.size
  }

  /** Whether these are shared by senders that are counted together, as there are too many. */
  isShared(buckets: Buckets): boolean {
    return buckets === this.#others
  }

  /** Of the sender that has these values. */
  of(values: readonly string[], now: number): Buckets {
    const key = keyOf(values)
    const limits = this.#overrides.get(key)
    if (limits) return this.#excepted.get(key) ?? kept(this.#excepted, key, bucketsOf(limits, now))
    const known = this.#known.get(key)
    if (known) {
      this.#known.delete(key)
      return kept(this.#known, key, known)
    }
    if (this.#known.size >= this.#most && !this.#forgetOne(now)) return (this.#others ??= bucketsOf(this.#limits, now))
    return kept(this.#known, key, bucketsOf(this.#limits, now))
  }

  /** Only one that is owed nothing and owes nothing: whoever invents senders must not be able to have debts forgotten. */
  #forgetOne(now: number): boolean {
    let looked = 0
    for (const [key, buckets] of this.#known) {
      if ([...buckets.values()].every((bucket) => bucket.isFull(now))) return this.#known.delete(key)
      if (++looked >= LOOKED_AT) return false
    }
    return false
  }
}

function kept(senders: Map<string, Buckets>, key: string, buckets: Buckets): Buckets {
  senders.set(key, buckets)
  return buckets
}

/** Characters of the values of a sender that are kept; longer ones, which senders may choose, are kept as their hash. */
const LONGEST_KEY = 256

function keyOf(values: readonly string[]): string {
  const text = JSON.stringify(values)
  return text.length <= LONGEST_KEY ? text : createHash('sha256').update(text).digest('base64')
}

const written = (limits: Limits): Limits =>
  Object.fromEntries(LIMITS.filter((name) => limits[name] !== undefined).map((name) => [name, limits[name]]))

function bucketsOf(limits: Limits, now: number): Buckets {
  const buckets = new Map<LimitName, Bucket>()
  for (const name of LIMITS) {
    const limit = limits[name]
    if (limit) buckets.set(name, new Bucket(limit.rate, limit.burst ?? Math.max(1, limit.rate), now))
  }
  return buckets
}
