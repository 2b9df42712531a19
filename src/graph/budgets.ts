import type { Forget } from '../component/meter.ts'
import type { Limits } from '../config/configuration.ts'
import { ByteBudget } from '../data/memory/byte-budget.ts'
import { SIGNALS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import type { Metrics } from './metrics.ts'

/** What batches of each signal may occupy together, and what is measured of it. They live as long as the graph. */
export class Budgets {
  readonly bySignal: Readonly<Record<Signal, ByteBudget>>
  readonly #forget: Forget[] = []

  constructor(limits: Limits, metrics: Metrics) {
    const made = SIGNALS.map((signal) => [signal, new ByteBudget(limits[signal])] as const)
    this.bySignal = Object.fromEntries(made) as Record<Signal, ByteBudget>
    for (const [signal, budget] of made) this.#measure(signal, budget, metrics)
  }

  resize(limits: Limits): void {
    for (const signal of SIGNALS) this.bySignal[signal].resize(limits[signal])
  }

  dispose(): void {
    for (const forget of this.#forget.splice(0)) forget()
  }

  #measure(signal: Signal, budget: ByteBudget, metrics: Metrics): void {
    const labels = { 'otel.signal': signal }
    const gauge = (name: string, description: string, read: () => number) =>
      this.#forget.push(metrics.gauge(name, { unit: 'By', description }, read, labels))
    gauge('telegen.budget.used', 'Bytes that batches of the signal occupy.', () => budget.used)
    gauge('telegen.budget.limit', 'Bytes that batches of the signal may occupy.', () => budget.limit)
    const description = 'How often work on data that was inside went over the limit.'
    const overdrafts = { unit: '{overdraft}', description }
    this.#forget.push(
      metrics.observableCounter('telegen.budget.overdrafts', overdrafts, () => budget.overdrafts, labels),
    )
  }
}
