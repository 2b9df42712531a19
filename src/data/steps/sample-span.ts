import { type Bits, DIGITS, randomnessText, thresholdText, ALWAYS, NEVER, writeRandomness } from '../sampling/bits.ts'
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
import type { Path } from './step.ts'

const TRACE_ID = known('Span', 'trace_id')
const TRACE_STATE = known('Span', 'trace_state')
const TRACE_STATE_TAG = 0x1a
const TRACE_STATE_TAGS = [TRACE_STATE_TAG]
/** Bytes of a text whose length takes one byte. */
const SHORT = 127
/** Tag, length, and `ot=rv:…;th:…` with all digits. */
const LONGEST_FRESH = 2 + 6 + DIGITS + 4 + DIGITS
/** Of OpenTracing: 0 asks for the span not to be sampled, more for it to be. */
const PRIORITY_KEY = 'sampling.priority'
const PRIORITY = keyOf(PRIORITY_KEY)
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const INFINITE = /^[+-]?inf(?:inity)?$/i

/** All that is looked at and written. */
export const pathsOfSpan: readonly Path[] = [
  { field: 'trace_id' },
  { field: 'trace_state' },
  { attribute: PRIORITY_KEY },
]

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
  /** The threshold that was written last, mostly the only one, and its text. */
  #written: Bits | undefined
  #writtenText = ''
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
    if (threshold !== undefined && threshold !== this.#written) {
      this.#written = threshold
      this.#writtenText = thresholdText(threshold)
    }
    const state = this.#state
    if (state === undefined) return this.#begin(randomness, threshold === undefined ? undefined : this.#writtenText)
    if (randomness !== undefined) state.randomnessText = randomnessText(randomness)
    if (threshold !== undefined) state.thresholdText = this.#writtenText
    const text = state.toString()
    if (text !== this.#text) this.#put(text)
  }

  /** What a span without a trace state gets: written byte by byte, as most spans are such. */
  #begin(randomness: Bits | undefined, threshold: string | undefined): void {
    if (randomness === undefined) return this.#put(threshold === undefined ? '' : `ot=th:${threshold}`)
    const { arena } = this.#message
    const start = arena.reserve(LONGEST_FRESH)
    const value = start + 2
    const { buffer } = arena
    let end = writeText(buffer, value, 'ot=rv:')
    end = writeRandomness(buffer, end, randomness)
    if (threshold !== undefined) end = writeText(buffer, writeText(buffer, end, ';th:'), threshold)
    buffer[start] = TRACE_STATE_TAG
    buffer[start + 1] = end - value
    this.#message.put(TRACE_STATE_TAGS, TRACE_STATE_TAG, start, value, end)
  }

  /** A trace state is ASCII. Short ones, which are most, are written here without a writer. */
  #put(text: string): void {
    const { length } = text
    if (length === 0 || length > SHORT) return void TRACE_STATE.set(this.#message, text)
    const { arena } = this.#message
    const start = arena.reserve(length + 2)
    const value = start + 2
    const { buffer } = arena
    buffer[start] = TRACE_STATE_TAG
    buffer[start + 1] = length
    writeText(buffer, value, text)
    this.#message.put(TRACE_STATE_TAGS, TRACE_STATE_TAG, start, value, value + length)
  }
}

/** Returns where it ends. */
function writeText(buffer: Buffer, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) buffer[at++] = text.charCodeAt(index)
  return at
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
