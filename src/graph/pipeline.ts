import { filter, map, Subject } from 'rxjs'
import type { Observable, OperatorFunction } from 'rxjs'
import type { Delivery } from '../component/delivery.ts'
import type { Sink } from '../sending/sink.ts'
import type { StepsStage } from './steps-stage.ts'

/** What deliveries pass on their way: fused steps, or a guarded operator. */
export type Stage = StepsStage | OperatorFunction<Delivery, Delivery>

/** A running row of stages with a sink at its end: a pipeline, or a connector. */
export class Pipeline implements Sink {
  readonly #input = new Subject<Delivery>()
  readonly #done: Promise<void>

  constructor(stages: readonly Stage[], output: Sink) {
    let stream: Observable<Delivery> = this.#input
    for (const stage of stages) stream = stream.pipe(typeof stage === 'function' ? stage : applied(stage))
    this.#done = new Promise((resolve) => {
      stream.subscribe({ next: (delivery) => output.take(delivery), complete: resolve })
    })
  }

  take(delivery: Delivery): void {
    this.#input.next(delivery)
  }

  /** No more comes: stages flush what they hold. Resolves when they have, or when the deadline aborts. */
  async complete(deadline: AbortSignal): Promise<void> {
    this.#input.complete()
    if (deadline.aborted) return
    let give: (() => void) | undefined
    const late = new Promise<void>((resolve) =>
      deadline.addEventListener('abort', (give = () => resolve()), { once: true }),
    )
    await Promise.race([this.#done, late])
    if (give) deadline.removeEventListener('abort', give)
  }
}

const applied =
  (stage: StepsStage): OperatorFunction<Delivery, Delivery> =>
  (source) =>
    source.pipe(
      map((delivery) => stage.apply(delivery)),
      filter((delivery) => delivery !== undefined),
    )
