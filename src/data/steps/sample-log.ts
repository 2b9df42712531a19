import {
  type Bits,
  DIGITS,
  parseRandomness,
  parseThreshold,
  randomnessText,
  thresholdOf,
  thresholdText,
  writeRandomness,
} from '../sampling/bits.ts'
import { type Candidate, type Decision, TRACE_ID_HASH } from '../sampling/decision.ts'
import { findAttribute, placeAttribute, putAttribute } from '../wire/attributes.ts'
import { known } from '../wire/fields.ts'
import { type Key, keyOf } from '../wire/key.ts'
import type { Message } from '../wire/message.ts'
import * as kinds from '../wire/place.ts'
import { Place } from '../wire/place.ts'
import { readNumber, readText, readValue } from '../wire/read-value.ts'
import { textForm } from '../wire/text-form.ts'
import { writeKeyValueEntry, written } from '../wire/write-value.ts'
import type { Subject } from './levels.ts'
import { hashOf, hashOfTraceId, randomnessOfTraceId } from './sample.ts'
import type { Path, Sampling } from './step.ts'

const TRACE_ID = known('LogRecord', 'trace_id')
const THRESHOLD = keyOf('sampling.threshold')
const RANDOMNESS = keyOf('sampling.randomness')

/** All that is looked at and written. */
export function pathsOfLog({ attribute, priority }: Sampling): readonly Path[] {
  const keys = [THRESHOLD.text, RANDOMNESS.text, attribute, priority?.attribute]
  return [{ field: 'trace_id' }, ...keys.flatMap((key) => (key === undefined ? [] : [{ attribute: key }]))]
}

/** An attribute as it is written, and where its value begins in that. */
interface Entry {
  readonly bytes: Buffer
  readonly value: number
}

const place = new Place()

/** A log record whose sampling is said in attributes. */
export class LogCandidate implements Candidate {
  readonly marksMissing = false
  hashPolicy = TRACE_ID_HASH
  isSound = true
  randomness: Bits | undefined
  threshold: Bits | undefined
  readonly #subject: Subject
  readonly #message: Message
  readonly #sampling: Sampling
  readonly #hashed: Key | undefined
  readonly #priority: Key | undefined
  #lastPriority = 0
  #lastThreshold: Bits | undefined
  /** The threshold that was written last, mostly the only one, and the attribute that says it. */
  #written: Bits | undefined
  #threshold: Entry | undefined
  /** The attribute that says some randomness, which stands at its end. */
  #randomness: Entry | undefined

  constructor(subject: Subject, sampling: Sampling) {
    this.#subject = subject
    this.#message = subject.message
    this.#sampling = sampling
    this.#hashed = sampling.attribute === undefined ? undefined : keyOf(sampling.attribute)
    this.#priority = sampling.priority === undefined ? undefined : keyOf(sampling.priority.attribute)
  }

  load(): void {
    const threshold = this.#text(THRESHOLD)
    const randomness = this.#text(RANDOMNESS)
    this.threshold = threshold === '' ? undefined : parseThreshold(threshold)
    this.randomness = randomness === '' ? undefined : parseRandomness(randomness)
    this.isSound =
      (threshold === '' || this.threshold !== undefined) && (randomness === '' || this.randomness !== undefined)
  }

  ofTraceId(): Bits | undefined {
    TRACE_ID.locate(place, this.#message)
    return randomnessOfTraceId(this.#message.arena.buffer, place)
  }

  hashed(): Bits | undefined {
    const { buffer } = this.#message.arena
    const { seed } = this.#sampling
    if (this.#sampling.byTraceId) {
      this.hashPolicy = TRACE_ID_HASH
      TRACE_ID.locate(place, this.#message)
      const hash = hashOfTraceId(buffer, place, seed)
      if (hash !== undefined) return hash
    }
    if (this.#hashed === undefined || !this.#find(this.#hashed)) return undefined
    this.hashPolicy = this.#hashed.text
    if (place.kind === kinds.STRING || place.kind === kinds.BYTES) return hashOf(buffer, place.start, place.end, seed)
    const value = readValue(buffer, place)
    if (value === undefined) return undefined
    const bytes = Buffer.from(textForm(value))
    return hashOf(bytes, 0, bytes.length, seed)
  }

  /** Where an attribute holds a percentage. */
  priority(): Bits | undefined {
    if (this.#priority === undefined || !this.#find(this.#priority)) return undefined
    if (place.kind !== kinds.INT && place.kind !== kinds.DOUBLE) return undefined
    const percentage = Number(readNumber(this.#message.arena.buffer, place))
    if (percentage !== this.#lastPriority) {
      this.#lastPriority = percentage
      this.#lastThreshold = thresholdOf(percentage / 100, this.#sampling.priority!.precision)
    }
    return this.#lastThreshold
  }

  write({ randomness, threshold }: Decision): void {
    if (randomness !== undefined) this.#setRandomness(randomness)
    if (threshold !== undefined) this.#setThreshold(threshold)
  }

  #setRandomness(randomness: Bits): void {
    const { arena } = this.#message
    this.#randomness ??= this.#entry(RANDOMNESS, randomnessText(randomness))
    this.#put(RANDOMNESS, this.#randomness)
    writeRandomness(arena.buffer, arena.used - DIGITS, randomness)
  }

  #setThreshold(threshold: Bits): void {
    if (this.#threshold === undefined || threshold !== this.#written) {
      this.#written = threshold
      this.#threshold = this.#entry(THRESHOLD, thresholdText(threshold))
    }
    this.#put(THRESHOLD, this.#threshold)
  }

  #entry(key: Key, text: string): Entry {
    const { arena } = this.#message
    writeKeyValueEntry(arena, this.#subject.attributes.number, key, text)
    const { start, value, end } = written
    return { bytes: Buffer.from(arena.buffer.subarray(start, end)), value: value - start }
  }

  #put(key: Key, { bytes, value }: Entry): void {
    const message = this.#message
    const { tag } = this.#subject.attributes
    const start = message.arena.load(bytes)
    putAttribute(message, tag, key, findAttribute(message, tag, key), start, start + value, start + bytes.length)
  }

  #find(key: Key): boolean {
    placeAttribute(place, this.#message, findAttribute(this.#message, this.#subject.attributes.tag, key))
    return place.exists
  }

  #text(key: Key): string {
    return this.#find(key) && place.kind === kinds.STRING ? readText(this.#message.arena.buffer, place) : ''
  }
}
