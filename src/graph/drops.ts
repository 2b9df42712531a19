import type { Clock, Timer } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Counter, Meter } from '../component/meter.ts'
import type { Signal } from '../data/signal.ts'

/** One warning per cause and this many milliseconds. */
const QUIET = 60_000
/** Causes told apart at once. */
const MAX_CAUSES = 1_000

export interface Drop {
  /** The component that dropped. */
  readonly component: string
  readonly signal: Signal
  readonly items: number
  /** A word, for the metric: a refusal's code, `partial_success`. */
  readonly reason: string
  /** A sentence, for the log. */
  readonly message: string
}

interface Cause {
  readonly message: string
  readonly warned: number
  /** Told when the time is over, or at the stop. */
  fields: object
  unsaid: number
  timer: Timer | undefined
}

/** Counts everything that is dropped, by reason, and warns about each cause once a minute with what came together meanwhile. */
export class Drops {
  readonly #clock: Clock
  readonly #log: Log
  readonly #counter: Counter
  readonly #causes = new Map<string, Cause>()

  constructor(clock: Clock, log: Log, meter: Meter) {
    this.#clock = clock
    this.#log = log
    this.#counter = meter.counter('telegen.dropped.items', {
      unit: '{item}',
      description: 'Items that were lost, by component and reason.',
    })
  }

  count({ component, signal, items, reason, message }: Drop): void {
    this.#counter.add(items, { component, signal, reason })
    this.warn(
      `${component} ${signal} ${reason}`,
      'Dropping data.',
      { component, signal, reason, error: message },
      items,
    )
  }

  /** A warning for `cause`, once in `QUIET`; `items` are added up over what stays unsaid, and told at the end of that time. */
  warn(cause: string, message: string, fields: object, items: number): void {
    const now = this.#clock.monotonic()
    if (this.#causes.size > MAX_CAUSES) this.tell()
    const known = this.#causes.get(cause)
    if (known && now - known.warned < QUIET) {
      known.unsaid += items
      known.fields = fields
      if (known.unsaid > 0)
        known.timer ??= this.#clock.after(known.warned + QUIET - now, () => this.#again(cause, known))
      return
    }
    known?.timer?.cancel()
    this.#say({ message, fields, warned: now, unsaid: items + (known?.unsaid ?? 0), timer: undefined }, cause)
  }

  /** Warns of everything that is unsaid. */
  tell(): void {
    for (const { timer, unsaid, fields, message } of this.#causes.values()) {
      timer?.cancel()
      if (unsaid > 0) this.#log.warn({ ...fields, items: unsaid }, message)
    }
    this.#causes.clear()
  }

  #again(cause: string, known: Cause): void {
    this.#say({ ...known, warned: this.#clock.monotonic(), timer: undefined }, cause)
  }

  #say(known: Cause, cause: string): void {
    this.#log.warn({ ...known.fields, items: known.unsaid }, known.message)
    this.#causes.set(cause, { ...known, unsaid: 0 })
  }
}
