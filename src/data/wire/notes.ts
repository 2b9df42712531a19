import type { WireBatch } from '../batch.ts'
import type { Interest, Wanted } from './interest.ts'
import { SLOTS } from './key.ts'
import type { MessageName } from './schema.ts'

const TAGS = 256
/** 1 MiB. Records that do not fit are not noted, and are scanned. */
const NUMBERS = 256 * 1024
/** After so many requests it is forgotten who wished what: who still does says so again. */
const FORGETS_AFTER = 2 ** 16

/** What a program looks for in records of one type, none of which stands in another record that is noted. */
export interface Wish {
  readonly name: MessageName
  readonly interest: Interest
}

/**
 * Where validation met what steps look for, in the request that was validated last: steps that run over that at once, as most do,
 * need not read it again. A program says what it wishes when it first runs over what has just been validated, and finds it noted from
 * the next request on.
 */
class Notes {
  /**
   * Four numbers for each record, `RECORD`, and where its contents begin and end, and then for each field of it that is noted, in
   * order, as on the tape of a message.
   */
  readonly tape = new Int32Array(NUMBERS)
  /** Numbers on the tape. */
  length = 0
  /** Counts requests. */
  generation = 0
  /** Changes with what is wanted. */
  version = 0
  /** Who wished what, and in which generation. */
  readonly #wishes = new Map<readonly Wish[], number>()

  /** Another request is validated. */
  begin(): void {
    this.generation++
    this.length = 0
    if (this.generation % FORGETS_AFTER !== 0) return
    this.#wishes.clear()
    this.version++
  }

  /** All that anybody wishes. */
  wanted(): ReadonlyMap<MessageName, Wanted> {
    const wanted = new Map<MessageName, Wanted>()
    for (const { name, interest } of [...this.#wishes.keys()].flat()) {
      const { tags, keys, lengths } = interest.wanted
      const sum = wanted.get(name) ?? {
        tags: new Uint8Array(TAGS),
        keys: new Uint8Array(SLOTS),
        lengths: new Uint8Array(SLOTS),
      }
      for (let index = 0; index < TAGS; index++) {
        sum.tags[index]! |= tags[index]!
        sum.keys[index]! |= keys[index]!
        sum.lengths[index]! |= lengths[index]!
      }
      wanted.set(name, sum)
    }
    return wanted
  }

  /** Whether what is wished was noted of this batch. */
  have(wishes: readonly Wish[], { noted }: WireBatch): boolean {
    if (noted !== this.generation || wishes.length === 0) return false
    const since = this.#wishes.get(wishes)
    if (since !== undefined) return since < noted
    this.#wishes.set(wishes, noted)
    this.version++
    return false
  }
}

/** Stands for the tag in the first of a record's numbers. */
export const RECORD = -1

export const notes = new Notes()
