import { offer, Refused, RequestLimiting, senderValue } from '../../plugin.ts'
import type {
  BoundCounter,
  Extension,
  ExtensionContext,
  Forget,
  Meter,
  RequestLimiter,
  Sender,
  Taken,
} from '../../plugin.ts'
import { LIMITS } from './options.ts'
import type { LimitName, RateLimiterOptions } from './options.ts'
import { Senders } from './senders.ts'

/** What a bucket must hold for a request to be let in: one request costs one; what it weighs otherwise is taken off once it is known. */
const LEAST: Readonly<Record<LimitName, number>> = { requests: 1, bytes: 0, items: 0 }

/** Milliseconds that are rounding. */
const NO_WAIT = 1e-6

/** Constant, so that nobody learns of a limit more than that it is reached. */
const REASONS: Readonly<Record<LimitName, string>> = {
  requests: 'the limit on requests is reached',
  bytes: 'the limit on bytes is reached',
  items: 'the limit on items is reached',
}

/** Too many senders are told of so often, in milliseconds. */
const QUIET = 60_000

export function rateLimiter(context: ExtensionContext<RateLimiterOptions>): Extension {
  const limiter = new RateLimiter(context)
  let forget: readonly Forget[] = []
  return {
    offers: [offer(RequestLimiting, limiter)],
    async start() {
      forget = limiter.show(context.meter)
    },
    async stop() {
      for (const each of forget) each()
    },
  }
}

class RateLimiter implements RequestLimiter {
  readonly #context: ExtensionContext<RateLimiterOptions>
  readonly #senders: Senders
  readonly #refused: ReadonlyMap<LimitName, BoundCounter>
  /** Requests of senders that are counted together. */
  #crowded = 0
  #warned = -Infinity

  constructor(context: ExtensionContext<RateLimiterOptions>) {
    const { config, id, meter } = context
    this.#context = context
    this.#senders = new Senders(config)
    const refused = meter.counter('telegen.rate_limiter.refused.requests', {
      unit: '{request}',
      description: 'Requests that were refused because their sender had reached a limit.',
    })
    this.#refused = new Map(LIMITS.map((limit) => [limit, refused.bound({ extension: id, limit })]))
  }

  /** Metrics of what it holds. */
  show(meter: Meter): readonly Forget[] {
    const of = { extension: this.#context.id }
    return [
      meter.gauge(
        'telegen.rate_limiter.senders',
        { unit: '{sender}', description: 'Senders that are counted by themselves.' },
        () => this.#senders.size,
        of,
      ),
      meter.observableCounter(
        'telegen.rate_limiter.crowded.requests',
        { unit: '{request}', description: 'Requests of senders that are counted together, since there are too many.' },
        () => this.#crowded,
        of,
      ),
    ]
  }

  refuse(sender: Sender): Refused | undefined {
    const now = this.#context.clock.monotonic()
    const buckets = this.#bucketsOf(sender, now)
    if (this.#senders.isShared(buckets)) this.#crowd(now)
    let longest = NO_WAIT
    let reached: LimitName | undefined
    for (const [name, bucket] of buckets) {
      const wait = bucket.wait(LEAST[name], now)
      if (wait <= longest) continue
      longest = wait
      reached = name
    }
    if (reached === undefined) {
      buckets.get('requests')?.take(1, now)
      return undefined
    }
    this.#refused.get(reached)?.add(1)
    return new Refused(REASONS[reached], { code: 'resource_exhausted', retry: { after: Math.ceil(longest) } })
  }

  took(sender: Sender, { bytes = 0, items = 0 }: Taken): void {
    const now = this.#context.clock.monotonic()
    const buckets = this.#bucketsOf(sender, now)
    buckets.get('bytes')?.take(bytes, now)
    buckets.get('items')?.take(items, now)
  }

  #bucketsOf(sender: Sender, now: number) {
    const values = this.#context.config.by.map((name) => senderValue(sender, name) ?? '')
    return this.#senders.of(values, now)
  }

  #crowd(now: number): void {
    this.#crowded++
    if (now - this.#warned < QUIET) return
    this.#warned = now
    const fields = { max_senders: this.#context.config.max_senders }
    const told = 'There are more senders than can be told apart: those that come besides share the limits of one'
    this.#context.log.warn(fields, told)
  }
}
