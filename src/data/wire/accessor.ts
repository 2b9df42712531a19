import type { Value } from '../steps/value.ts'
import type { Message } from './message.ts'
import type { Place } from './place.ts'

/**
 * How one field of a message is read and changed. Accessors hold no record: they are made once and serve all of them.
 */
export interface Accessor {
  /** Where the field is an entry of its own: the tags of the entries that it replaces. */
  readonly tags?: readonly number[]
  /** Tags of all entries that are looked at for it; absent where others may be too. */
  readonly within?: readonly number[]
  /**
   * Reads the field into `place`. A field without presence that is not there, or has its default, does not exist but
   * reads as the default.
   */
  locate(place: Place, message: Message): void
  /** Says whether `value` is one that the field can hold; if not, nothing was set. */
  set(message: Message, value: Value): boolean
  /** Sets what stands at `source`, in the same arena. Says whether the field can hold it. */
  copy(message: Message, source: Place): boolean
  /** Says whether there was something to remove. */
  remove(message: Message): boolean
}
