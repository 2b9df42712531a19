import type { Signal } from '../signal.ts'
import type { Arena } from '../wire/arena.ts'
import type { Given } from './given.ts'
import type { Wish } from '../wire/notes.ts'
import type { Visit } from './visit.ts'

/**
 * Steps made ready to run. A program holds the tapes that its runs use, so one of its runs ends before the next begins:
 * a hook cannot run the program that it is part of.
 */
export interface Program {
  readonly signal: Signal
  /** Walks over the batch, one after another. None where no step concerns the signal. */
  readonly visits: readonly Visit[]
  /** What the first of them looks for, of what validation can note. */
  readonly wishes: readonly Wish[]
  /** Items that each step dropped in the last run. */
  readonly droppedBy: Float64Array
  readonly arena: Arena
  /** Bytes that literal edits put into records. */
  readonly constants: Buffer
  /** What the edits want to know that is not in the batch; each run fills it in. */
  readonly givens: readonly Given[]
  /** Called after each run: acts that count report then, not for each record. */
  readonly ends: readonly (() => void)[]
}
