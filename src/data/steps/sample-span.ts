import { type Bits, randomnessText, thresholdText, ALWAYS, NEVER } from '../sampling/bits.ts'
import { type Candidate, type Decision, TRACE_ID_HASH } from '../sampling/decision.ts'
import { TraceState } from '../sampling/trace-state.ts'
import { findAttribute, placeAttribute } from '../wire/attributes.ts'
import { known } from '../wire/fields.ts'
import { keyOf } from '../wire/key.ts'
import type { Message } from '../wire/message.ts'
import * as kinds from '../wire/place.ts'
import { Place } from '../wire/place.ts'
import { readNumber, readText } from '../wire/read-value.ts'
import type { Subject } from './levels.ts'
import { hashOfTraceId, randomnessOfTraceId } from './sample.ts'

const TRACE_ID = known('Span', 'trace_id')
const TRACE_STATE = known('Span', 'trace_state')
/** Of OpenTracing: 0 asks for the span not to be sampled, more for it to be. */
const PRIORITY = keyOf('sampling.priority').bytes
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const INFINITE = /^[+-]?inf(?:inity)?$/i

const place = new Place()

/** A span whose sampling is said in its `tracestate`. */
export class SpanCandidate implements Candidate {
  readonly hashPolicy = TRACE_ID_HASH
  readonly marksMissing = true
  isSound = true
  randomness: Bits | undefined
  threshold: Bits | undefined
  readonly #message: Message
  readonly #tag: number
  readonly #seed: number
  #text = ''
  /** Undefined where the span has none. */
  #state: TraceState | undefined

  constructor({ message, attributes }: Subject, seed: number) {
    this.#message = message
    this.#tag = attributes.tag
    this.#seed = seed
  }

  load(): void {
    TRACE_STATE.locate(place, this.#message)
    // Bytes are counted, and what is not ASCII is not sound.
    this.#text = place.exists ? this.#message.arena.buffer.toString('latin1', place.start, place.end) : ''
    this.#state = this.#text === '' ? undefined : new TraceState(this.#text)
    this.isSound = this.#state?.isSound ?? true
    this.randomness = this.#state?.randomness
    this.threshold = this.#state?.threshold
  }

  ofTraceId(): Bits | undefined {
    TRACE_ID.locate(place, this.#message)
    return randomnessOfTraceId(this.#message.arena.buffer, place)
  }

  hashed(): Bits | undefined {
    TRACE_ID.locate(place, this.#message)
    return hashOfTraceId(this.#message.arena.buffer, place, this.#seed)
  }

  priority(): Bits | undefined {
    const index = findAttribute(this.#message, this.#tag, PRIORITY)
    if (index < 0) return undefined
    placeAttribute(place, this.#message, index)
    const number = numberAt(this.#message.arena.buffer, place)
    if (number === 0) return NEVER
    return number > 0 ? ALWAYS : undefined
  }

  write({ randomness, threshold }: Decision): void {
    const state = (this.#state ??= new TraceState(''))
    if (randomness !== undefined) state.randomnessText = randomnessText(randomness)
    if (threshold !== undefined) state.thresholdText = thresholdText(threshold)
    const text = state.toString()
    if (text !== this.#text) TRACE_STATE.set(this.#message, text)
  }
}

/** The number at a place, which may be written as text; NaN where there is none. */
function numberAt(buffer: Buffer, at: Place): number {
  switch (at.kind) {
    case kinds.INT:
    case kinds.DOUBLE:
      return Number(readNumber(buffer, at))
    case kinds.STRING:
      return numberIn(readText(buffer, at))
    default:
      return NaN
  }
}

/** As Go reads a number, which knows no other blanks or words and refuses what is too large. */
function numberIn(text: string): number {
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  const number = NUMBER.test(text) ? Number(text) : NaN
  return Number.isFinite(number) ? number : NaN
}
