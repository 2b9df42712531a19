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
  /** Times that a sender was counted together with others, as there are too many. */
  crowded = 0
  readonly #limits: Limits
  readonly #overrides: ReadonlyMap<string, Limits>
  readonly #most: number
  readonly #known = new Map<string, Buckets>()
  #others: Buckets | undefined

  constructor({ overrides, max_senders, ...limits }: RateLimiterOptions) {
    this.#limits = limits
    this.#overrides = new Map(overrides.map((each) => [keyOf(each.values), { ...limits, ...written(each) }]))
    this.#most = max_senders
  }

  get size(): number {
    return this.#known.size
  }

  /** Of the sender that has these values. */
  of(values: readonly string[], now: number): Buckets {
    const key = keyOf(values)
    const known = this.#known.get(key)
    if (known) {
      this.#known.delete(key)
      this.#known.set(key, known)
      return known
    }
    if (this.#known.size >= this.#most && !this.#forgetOne(now)) {
      this.crowded++
      return (this.#others ??= bucketsOf(this.#limits, now))
    }
    const buckets = bucketsOf(this.#overrides.get(key) ?? this.#limits, now)
    this.#known.set(key, buckets)
    return buckets
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
