import { senderValue } from '../component/sender-value.ts'
import { DISCARDED, UNKNOWN_ORIGIN } from '../component/delivery.ts'
import type { Delivery, Origin } from '../component/delivery.ts'
import type { DeliveryNode } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import type { Batch } from '../data/batch.ts'
import { compile } from '../data/steps/compile.ts'
import { run } from '../data/steps/runner.ts'
import { Overdrawn } from '../data/memory/byte-budget.ts'
import type { Program } from '../data/steps/program.ts'
import type { Step } from '../data/steps/step.ts'
import { StepFailed } from '../data/steps/step-failed.ts'
import type { Signal } from '../data/signal.ts'
import type { Sink } from '../sending/sink.ts'
import { NOWHERE } from './nowhere.ts'
import type { StageOwner } from './stage-owner.ts'

/** How long a sender should wait whose batch would have overdrawn the budget, in milliseconds. */
const COME_BACK = 1_000

/** The steps of one processor. */
export interface StepsOf {
  readonly owner: StageOwner
  readonly steps: readonly Step[]
  readonly dropped?: ((items: number) => void) | undefined
}

/** Neighbouring processors that look at one record at a time, run in one visit and one rewrite. */
export class StepsStage implements Sink {
  /** Where what comes out goes. */
  output: Sink = NOWHERE
  readonly #parts: readonly StepsOf[]
  readonly #program: Program
  /** Of what is being looked at. */
  #origin: Origin = UNKNOWN_ORIGIN

  constructor(signal: Signal, parts: readonly StepsOf[]) {
    this.#parts = parts
    this.#program = compile(
      signal,
      parts.flatMap(({ steps }) => steps),
    )
  }

  take(delivery: Delivery): void {
    const made = this.#apply(delivery)
    if (made) this.output.take(made)
  }

  /** What goes on, or undefined where the delivery has ended here. */
  #apply(delivery: Delivery): Delivery | undefined {
    const { items } = delivery.batch
    const began = performance.now()
    let made: Batch | undefined
    try {
      this.#origin = delivery.origin
      made = run(this.#program, delivery.batch, this.#told).batch
    } catch (error) {
      return this.#failed(delivery, error)
    }
    const took = performance.now() - began
    this.#worked(took, items)
    if (made === undefined) {
      delivery.end(DISCARDED)
      return undefined
    }
    if (made === delivery.batch) made.release()
    else (delivery as DeliveryNode).rewrite(made)
    return delivery
  }

  /** What the sender of the batch at hand said of itself. */
  readonly #told = (key: string) => senderValue(this.#origin, key)

  /** Each has for itself what those before it left. */
  #worked(took: number, items: number): void {
    let incoming = items
    let step = 0
    for (const { owner, steps, dropped } of this.#parts) {
      let outgoing = incoming
      for (const end = step + steps.length; step < end; step++) outgoing -= this.#program.droppedBy[step] as number
      owner.worked(took, incoming, outgoing)
      if (outgoing < incoming) dropped?.(incoming - outgoing)
      incoming = outgoing
    }
  }

  #failed(delivery: Delivery, error: unknown): undefined {
    const owner = (error instanceof StepFailed ? this.#ownerOf(error.step) : this.#parts[0]?.owner) as StageOwner
    if (error instanceof Overdrawn) {
      const options = { code: 'resource_exhausted', retry: { after: COME_BACK }, cause: error } as const
      const refused = new Refused(error.message, options)
      refused.component = owner.id
      delivery.end(refused)
      return undefined
    }
    const refused = new Refused(`${owner.name} failed: ${reasonOf(error)}`, {
      code: 'internal',
      retry: 'never',
      cause: error,
    })
    refused.component = owner.id
    owner.failed(refused.message, error)
    delivery.end(refused)
    return undefined
  }

  #ownerOf(step: number): StageOwner | undefined {
    let first = 0
    for (const { owner, steps } of this.#parts) {
      if (step < first + steps.length) return owner
      first += steps.length
    }
    return undefined
  }
}

const reasonOf = (error: unknown): string => {
  const reason = error instanceof StepFailed ? error.cause : error
  return reason instanceof Error ? reason.message : String(reason)
}
