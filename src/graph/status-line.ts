import type { Clock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { ComponentState, ComponentStatus, StatusReporter } from '../component/status.ts'

/** Which states may follow which; the Collector's machine. */
const NEXT: Readonly<Record<ComponentState, readonly ComponentState[]>> = {
  none: ['starting'],
  starting: ['ok', 'recoverable_error', 'permanent_error', 'fatal_error', 'stopping'],
  ok: ['recoverable_error', 'permanent_error', 'fatal_error', 'stopping'],
  recoverable_error: ['ok', 'permanent_error', 'fatal_error', 'stopping'],
  permanent_error: ['stopping'],
  fatal_error: [],
  stopping: ['recoverable_error', 'permanent_error', 'fatal_error', 'stopped'],
  stopped: [],
}

/** A state that comes again within this many milliseconds is no news: it is logged for debugging only. */
const QUIET = 60_000

/** One component's line on the board. */
export class StatusLine implements StatusReporter {
  #status: ComponentStatus
  readonly #clock: Clock
  readonly #log: Log
  readonly #told = new Map<ComponentState, number>()

  constructor(about: Pick<ComponentStatus, 'kind' | 'id' | 'pipelines'>, clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
    this.#status = { ...about, state: 'none', reason: undefined, since: clock.now() }
  }

  get status(): ComponentStatus {
    return this.#status
  }

  /** The pipelines that it takes part in from now on. */
  stands(pipelines: readonly string[]): void {
    this.#status = { ...this.#status, pipelines }
  }

  ok(): void {
    this.enter('ok', undefined)
  }

  recoverable(reason: string): void {
    this.enter('recoverable_error', reason)
  }

  permanent(reason: string): void {
    this.enter('permanent_error', reason)
  }

  /** The engine's own reports too. A change that is not allowed is none. */
  enter(state: ComponentState, reason: string | undefined): void {
    const before = this.#status
    if (before.state === state) {
      if (before.reason !== reason) this.#status = { ...before, reason }
      return
    }
    if (!NEXT[before.state].includes(state)) return
    this.#status = { ...before, state, reason, since: this.#clock.now() }
    const fields = { kind: before.kind, id: before.id, ...(reason !== undefined && { reason }) }
    if (state === 'permanent_error' || state === 'fatal_error') this.#log.error(fields, 'Component has failed')
    else if (state === 'recoverable_error')
      this.#log[this.#isNews(state) ? 'warn' : 'debug'](fields, 'Component is in trouble')
    else if (before.state === 'recoverable_error' && state === 'ok')
      this.#log[this.#isNews(state) ? 'info' : 'debug'](fields, 'Component is well again')
  }

  #isNews(state: ComponentState): boolean {
    const now = this.#clock.monotonic()
    const told = this.#told.get(state)
    if (told !== undefined && now - told < QUIET) return false
    this.#told.set(state, now)
    return true
  }
}
