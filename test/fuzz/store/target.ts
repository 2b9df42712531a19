import type { Random } from '../random.ts'
import { Reachable } from '../reachable.ts'
import type { Target } from '../target.ts'
import { makeStoreInput, smallerStoreInputs } from './input.ts'
import type { StoreInput } from './input.ts'
import { Trial } from './trial.ts'

const MOST_GROWTH = 96 * 2 ** 20

/** The store of `file_storage` on a disk that forgets, fails, fills up and rots. */
export class StoreTarget implements Target<StoreInput> {
  readonly name = 'store'
  readonly parallel = 1
  readonly settleEvery = 500
  readonly #steps = new Map<string, number>()
  readonly #lies: boolean
  readonly #reachable = new Reachable(MOST_GROWTH)

  /** `lies`: on a disk that says that it has synced, and has not. */
  constructor({ lies = false } = {}) {
    this.#lies = lies
  }

  async open(): Promise<void> {}

  make(random: Random): StoreInput {
    return makeStoreInput(random)
  }

  async run(input: StoreInput): Promise<void> {
    for (const step of input.steps) this.#steps.set(step.do, (this.#steps.get(step.do) ?? 0) + 1)
    await new Trial(input, { lies: this.#lies }).run()
  }

  async settled(): Promise<void> {
    this.#reachable.look()
  }

  async reopen(): Promise<void> {}
  async close(): Promise<void> {}

  smaller = smallerStoreInputs

  text(input: StoreInput): string {
    return `${JSON.stringify(input, null, 1)}\n`
  }

  read(text: string): StoreInput {
    return JSON.parse(text) as StoreInput
  }

  told(): string {
    return [...this.#steps].map(([step, times]) => `${step}: ${times}`).join(', ')
  }
}
