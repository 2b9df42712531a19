import type { ByteBudget } from './memory/byte-budget.ts'
import { slabs } from './memory/slab-pool.ts'
import { Slab } from './memory/slab.ts'
import type { Signal } from './signal.ts'

/**
 * Telemetry of one signal as OTLP protobuf bytes, immutable and reference-counted.
 *
 * The segments, joined, are an `Export{Trace,Metrics,Logs,Profiles}ServiceRequest` (opentelemetry-proto 1.11,
 * `opentelemetry/proto/collector/…`); each segment alone is one too, because a request is nothing but a repeated field.
 * Only profiles, which share a dictionary, always have a single segment.
 *
 * Who makes a batch owns its first reference. Bytes are borrowed during a call: who keeps them, retains. The last
 * release gives the memory and its budget charge back; after it nothing of the batch may be touched.
 */
export interface Batch<S extends Signal = Signal> {
  readonly signal: S
  /** Spans, data points, log records or samples. */
  readonly items: number
  /** Exact size on the wire, in bytes: what sizers and metrics mean. */
  readonly bytes: number
  segments(): readonly Buffer[]
  /** Where the memory is charged: inside work charges what it makes there too (`ByteBudget.overdraw`). */
  readonly budget: ByteBudget | undefined
  retain(): this
  release(): void
}

/** `buffer` is a slice of `slab`'s buffer, or the whole of it. */
export interface Segment {
  readonly slab: Slab
  readonly buffer: Buffer
}

/** The only implementation of `Batch`: slices of slabs. Kernels use it; everyone else needs only the interface. */
export class WireBatch<S extends Signal = Signal> implements Batch<S> {
  readonly signal: S
  readonly items: number
  readonly bytes: number
  readonly parts: readonly Segment[]
  /** The generation of the notes that were taken of it; 0 for none. */
  readonly noted: number
  readonly #buffers: readonly Buffer[]
  #references = 1

  /** Takes over one reference to each part's slab. */
  constructor(signal: S, items: number, parts: readonly Segment[], noted = 0) {
    let bytes = 0
    for (const part of parts) bytes += part.buffer.length
    this.signal = signal
    this.items = items
    this.bytes = bytes
    this.parts = parts
    this.noted = noted
    this.#buffers = parts.map((part) => part.buffer)
  }

  get budget(): ByteBudget | undefined {
    return this.parts[0]?.slab.budget
  }

  segments(): readonly Buffer[] {
    if (this.#references === 0) throw new Error('a released batch was read')
    return this.#buffers
  }

  retain(): this {
    if (this.#references === 0) throw new Error('a released batch was retained')
    this.#references++
    return this
  }

  release(): void {
    if (this.#references === 0) throw new Error('a batch was released twice')
    if (--this.#references > 0) return
    for (const part of this.parts) part.slab.release()
  }
}

/** A batch over bytes that nobody else holds, outside any budget: a builder's output, a test's input. `items` as counted. */
export function batchOf<S extends Signal>(signal: S, items: number, buffer: Buffer, noted = 0): Batch<S> {
  return new WireBatch(signal, items, [{ slab: new Slab(buffer), buffer }], noted)
}

/** A batch over the first `length` bytes of `slab`; takes over the caller's reference to it. */
export function batchOfSlab<S extends Signal>(signal: S, items: number, slab: Slab, length: number): Batch<S> {
  return new WireBatch(signal, items, [{ slab, buffer: slab.buffer.subarray(0, length) }])
}

/** A pooled slab with room for `bytes`, charged to `budget` as inside work. Throws `Overdrawn` past the budget's bound. */
export function overdrawnSlab(bytes: number, budget: ByteBudget | undefined): Slab {
  const slab = slabs.take(bytes)
  if (budget === undefined) return slab
  try {
    budget.overdraw(slab.capacity)
  } catch (error) {
    slab.release()
    throw error
  }
  slab.charge(budget)
  return slab
}

/** Whether work on `batch` that takes `bytes` more is beyond the budget's bound even when nothing else is inside: waiting does not help then. */
export function isBeyondBudget(batch: Batch, bytes: number): boolean {
  const { budget } = batch
  if (budget === undefined) return false
  let held = 0
  const slabsOf = batch instanceof WireBatch ? new Set(batch.parts.map(({ slab }) => slab)) : []
  for (const slab of slabsOf) if (slab.budget === budget) held += slab.capacity
  return held + bytes > budget.limit + budget.overdraftLimit
}
