import type { Value } from './value.ts'

/** What is known of a batch besides its bytes, by key. Undefined where nothing is. */
export type Lookup = (key: string) => Value | undefined

/** What a key has for the batch that is being run. */
export interface Given {
  readonly key: string
  value: Value | undefined
}

/** The keys that the edits of a program ask for, each once. */
export class Givens {
  readonly #givens = new Map<string, Given>()

  of(key: string): Given {
    const known = this.#givens.get(key)
    if (known) return known
    const given: Given = { key, value: undefined }
    this.#givens.set(key, given)
    return given
  }

  all(): readonly Given[] {
    return [...this.#givens.values()]
  }
}
