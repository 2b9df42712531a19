import type { Accessor } from '../wire/accessor.ts'
import { Arena } from '../wire/arena.ts'
import type { Key } from '../wire/key.ts'
import { Message } from '../wire/message.ts'
import { writeKeyValueEntry, written } from '../wire/write-value.ts'
import type { Value } from './step.ts'

/** Where an entry stands, as offsets from the beginning of the constants. */
export interface Constant {
  readonly start: number
  readonly value: number
  readonly end: number
}

/** Entries that literal edits put into records. A run has them in its arena, so that such an edit writes nothing. */
export class Constants {
  readonly #arena = new Arena()

  constructor() {
    this.#arena.open(0)
  }

  keyValue(number: number, key: Key, value: Value): Constant {
    writeKeyValueEntry(this.#arena, number, key, value)
    return { ...written }
  }

  /**
   * An entry that `field` would write for `value`, and its tag; undefined where the value is its default, which is not
   * written.
   */
  field(field: Accessor, value: Value): { readonly tag: number; readonly entry: Constant } | undefined {
    const message = new Message(this.#arena)
    field.set(message, value)
    if (message.length === 0) return undefined
    const [tag, start, content, end] = message.tape as unknown as [number, number, number, number]
    return { tag, entry: { start, value: content, end } }
  }

  bytes(): Buffer {
    const { buffer, used } = this.#arena
    const bytes = Buffer.from(buffer.subarray(0, used))
    this.#arena.close()
    return bytes
  }
}
