import type { ReloadReport } from '../component/control.ts'
import type { Metrics } from '../graph/metrics.ts'

const GOOD: ReadonlySet<ReloadReport['outcome']> = new Set(['unchanged', 'reloaded'])

/** What is measured of reloads. */
export class ReloadMetrics {
  readonly #count: ReturnType<Metrics['counter']>
  readonly #forget: readonly (() => void)[]
  #last: boolean
  #succeededAt: number

  /** `started`: when the configuration was read that the process began with, milliseconds since the Unix epoch. */
  constructor(metrics: Metrics, started: number) {
    this.#last = true
    this.#succeededAt = started
    this.#count = metrics.counter('telegen.config.reload', {
      unit: '{reload}',
      description: 'Reloads of the configuration, by outcome.',
    })
    const success = 'Whether the last reload took effect, 1 or 0.'
    const time = 'When a configuration last took effect, seconds since the Unix epoch.'
    this.#forget = [
      metrics.gauge('telegen.config.last_reload.success', { unit: '1', description: success }, () =>
        Number(this.#last),
      ),
      metrics.gauge(
        'telegen.config.last_success.time',
        { unit: 's', description: time, value: 'double' },
        () => this.#succeededAt / 1_000,
      ),
    ]
  }

  /** `at`: when, milliseconds since the Unix epoch. */
  ended(outcome: ReloadReport['outcome'], at: number): void {
    this.#count.add(1, { outcome })
    this.#last = GOOD.has(outcome)
    if (this.#last) this.#succeededAt = at
  }

  forget(): void {
    for (const forget of this.#forget) forget()
  }
}
