import type { Context, Timer } from '../../plugin.ts'
import { limitsOf } from './limits.ts'
import type { Limits } from './limits.ts'
import type { LimiterConfig } from './options.ts'

/** What the limiter needs of the process; tests bring their own. */
export interface Memory {
  /** Bytes that the process may have. */
  available(): number
  /**
   * Bytes in use: V8's heap and the buffers beside it. Not the resident set, which stays large after memory has been freed
   * and so would keep the gate closed for good.
   */
  used(): number
  /** Collects garbage now; undefined where Node was not started with `--expose-gc`. */
  readonly collect: (() => void) | undefined
}

/** A collection that frees less than this share does not help. */
const EFFECTIVE = 0.05

type Grade = 'within' | 'soft' | 'hard'

/** Looks at the memory every so often, and says whether data must be refused. One stands for all pipelines of a processor. */
export class Limiter {
  readonly #config: LimiterConfig
  readonly #memory: Memory
  readonly #users = new Set<Context<LimiterConfig>>()
  #limits: Limits = { soft: Infinity, hard: Infinity }
  #timer: Timer | undefined
  #refusing = false
  #collectedAt = -Infinity
  /** Milliseconds to the next collection on top of the shortest; grows while collecting frees nothing. */
  #pause = 0

  constructor(config: LimiterConfig, memory: Memory) {
    this.#config = config
    this.#memory = memory
  }

  get refusing(): boolean {
    return this.#refusing
  }

  start(user: Context<LimiterConfig>): void {
    this.#users.add(user)
    if (this.#timer) {
      if (this.#refusing) user.status.recoverable(this.#trouble(this.#memory.used()))
      return
    }
    this.#limits = limitsOf(this.#config, () => this.#memory.available())
    const { soft, hard } = this.#limits
    user.log.info({ limit_mib: inMiB(hard), soft_limit_mib: inMiB(soft) }, 'Memory limiter configured')
    this.check(user)
    this.#timer = user.clock.every(this.#config.check_interval, () => this.check(user))
  }

  stop(user: Context<LimiterConfig>): void {
    this.#users.delete(user)
    if (this.#users.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#refusing = false
  }

  check({ clock, log }: Context<LimiterConfig>): void {
    let used = this.#memory.used()
    const grade = this.#grade(used)
    if (grade === 'within') this.#pause = 0
    else if (this.#mayCollect(grade, clock.monotonic())) used = this.#collect(grade, used, clock.monotonic())
    const refuses = this.#grade(used) !== 'within'
    if (refuses === this.#refusing) return
    this.#refusing = refuses
    const about = { cur_mem_mib: inMiB(used) }
    if (refuses) log.warn(about, 'Memory usage is above soft limit. Refusing data.')
    else log.info(about, 'Memory usage back within limits. Resuming normal operation.')
    for (const { status } of this.#users) {
      if (refuses) status.recoverable(this.#trouble(used))
      else status.ok()
    }
  }

  #trouble(used: number): string {
    return `memory usage of ${inMiB(used)} MiB is above the soft limit of ${inMiB(this.#limits.soft)} MiB`
  }

  #grade(used: number): Grade {
    if (used >= this.#limits.hard) return 'hard'
    return used >= this.#limits.soft ? 'soft' : 'within'
  }

  #mayCollect(grade: 'soft' | 'hard', now: number): boolean {
    if (!this.#memory.collect) return false
    return now - this.#collectedAt >= Math.max(this.#config[`min_gc_interval_when_${grade}_limited`], this.#pause)
  }

  #collect(grade: 'soft' | 'hard', before: number, now: number): number {
    this.#memory.collect?.()
    this.#collectedAt = now
    const after = this.#memory.used()
    const longest = this.#config[`max_gc_interval_when_${grade}_limited`]
    const helped = after < before * (1 - EFFECTIVE)
    this.#pause = helped ? 0 : Math.min(longest, Math.max(this.#pause * 2, this.#config.check_interval))
    return after
  }
}

const inMiB = (bytes: number): number => Math.round(bytes / 2 ** 20)
