import { filter, map, Subject } from 'rxjs'
import type { Observable, OperatorFunction, Subscription } from 'rxjs'
import type { Delivery } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'
import type { Sink } from '../sending/sink.ts'
import type { StepsStage } from './steps-stage.ts'

/** What deliveries pass on their way: fused steps, or a guarded operator. */
export type Stage = StepsStage | OperatorFunction<Delivery, Delivery>

/** A running row of stages with a sink at its end: a pipeline, or a connector. */
export class Pipeline implements Sink {
  readonly #input = new Subject<Delivery>()
  readonly #name: string
  readonly #done: Promise<void>
  #subscription: Subscription | undefined
  #closed = false

  /** `name`: for messages, `pipeline "traces/in"`. */
  constructor(name: string, stages: readonly Stage[], output: Sink) {
    this.#name = name
    let stream: Observable<Delivery> = this.#input
    for (const stage of stages) stream = stream.pipe(typeof stage === 'function' ? stage : applied(stage))
    this.#done = new Promise((resolve) => {
      this.#subscription = stream.subscribe({ next: (delivery) => output.take(delivery), complete: resolve })
    })
  }

  take(delivery: Delivery): void {
    if (this.#closed) delivery.end(new Refused(`${this.#name} has stopped`, { code: 'unavailable', retry: {} }))
    else this.#input.next(delivery)
  }

  /** No more comes: stages flush what they hold. What they still have when the deadline aborts is refused. */
  async complete(deadline: AbortSignal): Promise<void> {
    this.#closed = true
    this.#input.complete()
    if (!deadline.aborted) await Promise.race([this.#done, aborted(deadline, this.#done)])
    this.#subscription?.unsubscribe()
  }
}

/** Resolves when `signal` aborts; listens no longer than until `done`. */
const aborted = (signal: AbortSignal, done: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const give = () => resolve()
    signal.addEventListener('abort', give, { once: true })
    void done.then(() => signal.removeEventListener('abort', give))
  })

const applied =
  (stage: StepsStage): OperatorFunction<Delivery, Delivery> =>
  (source) =>
    source.pipe(
      map((delivery) => stage.apply(delivery)),
      filter((delivery) => delivery !== undefined),
    )
