import type { Metrics } from '../../graph/metrics.ts'

/** What is measured of the processes that share the work. */
export class CrewMetrics {
  readonly #restarts: ReturnType<Metrics['counter']>
  readonly #lost: ReturnType<Metrics['counter']>
  readonly #forget: () => void

  /** `running`: processes that run now, the first included. */
  constructor(metrics: Metrics, running: () => number) {
    this.#restarts = metrics.counter('telegen.worker.restarts', {
      unit: '{restart}',
      description: 'Workers that were started again after they had ended unexpectedly.',
    })
    this.#lost = metrics.counter('telegen.worker.lost.batches', {
      unit: '{batch}',
      description: 'Batches that workers held when they ended unexpectedly, as they were last seen.',
    })
    const about = { unit: '{process}', description: 'Processes that share the work and run, the first included.' }
    this.#forget = metrics.gauge('telegen.worker.processes', about, running)
  }

  ended(lost: number): void {
    this.#lost.add(lost)
  }

  restarted(): void {
    this.#restarts.add(1)
  }

  forget(): void {
    this.#forget()
  }
}
