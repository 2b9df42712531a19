import { HEADER_BYTES, lengthOf, RECORD_BYTES, typeOf } from './event.ts'
import type { Tracer } from './tracer.ts'
import type { Tally } from './tally.ts'

/** Of a record's length: it was reserved and given up. */
const DISCARDED = 0x4000_0000
const LENGTH = 0x3fff_ffff

export interface Listener {
  readonly tracer: Tracer
  readonly tally: Tally
}

export interface EngineOptions {
  readonly listeners: readonly Listener[]
  /** Where what no tracer reads is counted. */
  readonly none: Tally
  /** Events read in a second at most; the rest is dropped unread, counted. 0: all. */
  readonly eventsPerSecond: number
}

/**
 * Hands each event to the tracer that reads its type. Takes whatever bytes come: a record that does not fit is counted, and a tracer that
 * throws costs one event.
 */
export class Engine {
  readonly #byType: (Listener | undefined)[] = []
  readonly #listeners: readonly Listener[]
  readonly #none: Tally
  readonly #eventsPerSecond: number
  #allowed: number
  #allowedAt = 0
  /** What tracers threw, the first of each message since it was taken last. */
  readonly #faults = new Map<string, string>()

  constructor({ listeners, none, eventsPerSecond }: EngineOptions) {
    this.#listeners = listeners
    this.#none = none
    this.#eventsPerSecond = eventsPerSecond
    this.#allowed = eventsPerSecond
    for (const listener of listeners)
      for (const type of listener.tracer.types) {
        if (this.#byType[type]) throw new Error(`two tracers read events of type ${type}`)
        this.#byType[type] = listener
      }
  }

  /** Reads the records in the first `bytes` of `buffer`, as `Ring.drain` left them. `now` is CLOCK_MONOTONIC, nanoseconds. Returns the events. */
  read(buffer: Buffer, bytes: number, now: number): number {
    this.#allow(now)
    let events = 0
    let at = 0
    while (at + RECORD_BYTES <= bytes) {
      const word = buffer.readUInt32LE(at)
      const length = word & LENGTH
      const start = at + RECORD_BYTES
      if (start + length > bytes) break
      if ((word & DISCARDED) === 0) {
        this.#event(buffer, start, length)
        events++
      }
      at = start + ((length + 7) & ~7)
    }
    if (at < bytes) this.#none.drop('malformed')
    return events
  }

  tick(now: number): void {
    for (const listener of this.#listeners) {
      if (!listener.tracer.tick) continue
      try {
        listener.tracer.tick(now)
      } catch (error) {
        this.#threw(listener, error)
      }
    }
  }

  /** What tracers threw since the last time: a sentence each, for the log. */
  takeFaults(): readonly string[] {
    if (this.#faults.size === 0) return []
    const faults = [...this.#faults.values()]
    this.#faults.clear()
    return faults
  }

  #event(buffer: Buffer, at: number, length: number): void {
    if (length < HEADER_BYTES) return this.#none.drop('malformed')
    const listener = this.#byType[typeOf(buffer, at)]
    if (listener === undefined) return this.#none.drop('unknown_type')
    const said = lengthOf(buffer, at)
    if (said < HEADER_BYTES || said > length) return listener.tally.drop('malformed')
    if (this.#eventsPerSecond > 0 && this.#allowed-- <= 0) return listener.tally.drop('over_limit')
    listener.tally.events++
    try {
      listener.tracer.event(buffer, at, said)
    } catch (error) {
      this.#threw(listener, error)
    }
  }

  #threw({ tally }: Listener, error: unknown): void {
    tally.drop('error')
    const { message, stack = message } = error instanceof Error ? error : new Error(String(error))
    const key = `${tally.tracer} ${message}`
    if (this.#faults.size < MOST_FAULTS && !this.#faults.has(key)) this.#faults.set(key, `${tally.tracer}: ${stack}`)
  }

  /** A second's worth at most is saved up. */
  #allow(now: number): void {
    const rate = this.#eventsPerSecond
    if (rate === 0) return
    if (this.#allowedAt > 0)
      this.#allowed = Math.min(rate, Math.max(0, this.#allowed) + ((now - this.#allowedAt) / 1e9) * rate)
    this.#allowedAt = now
  }
}

/** Different messages that are told at once; all are counted. */
const MOST_FAULTS = 8
