import type { Signal } from '../signal.ts'
import type { Arena } from '../wire/arena.ts'
import type { Visit } from './visit.ts'

/**
 * Steps made ready to run. A program holds the tapes that its runs use, so one of its runs ends before the next begins:
 * a hook cannot run the program that it is part of.
 */
export interface Program {
  readonly signal: Signal
  /** Walks over the batch, one after another. None where no step concerns the signal. */
  readonly visits: readonly Visit[]
  readonly arena: Arena
  /** Bytes that literal edits put into records. */
  readonly constants: Buffer
}
