import type { Batch } from '../batch.ts'
import type { ByteBudget } from '../memory/byte-budget.ts'
import type { Signal } from '../signal.ts'
import { LENGTH } from '../wire/varint.ts'
import { countPoints, holdsPoints, POINTS, RECORDS, RESOURCES, SCOPES } from './count.ts'
import { Entry } from './entry.ts'
import { enclosed, Part } from './part.ts'
import { splitProfiles } from './profiles/split-profiles.ts'

/** The most that a part may hold. */
export interface SplitLimits {
  readonly items?: number | undefined
  /** A single record that is larger makes a part of its own. */
  readonly bytes?: number | undefined
}

/**
 * Splits a batch into parts within the limits, records in their order and each part as full as it can be. What
 * describes records, the resource, scope and metric, is repeated in each part that has some of them, and a metric's
 * points may come apart, as in the Collector's batch processor. Unknown fields beside records stay with the first
 * part. Of profiles, no profile comes apart (`splitProfiles`).
 *
 * The batch is borrowed, the parts are new references; a batch within the limits is its own only part. Where memory for
 * the parts would overdraw the budget, none is kept. Throws `Malformed` where the containers do not fit together.
 */
export function split<S extends Signal>(batch: Batch<S>, limits: SplitLimits): Batch<S>[] {
  const { items = Infinity, bytes = Infinity } = limits
  if (!(items >= 1 && bytes >= 1)) throw new RangeError('a part must have room for an item and a byte')
  if (batch.items <= items && batch.bytes <= bytes) return [batch.retain()]
  if (batch.signal === 'profiles') return splitProfiles(batch as Batch<'profiles'>, items, bytes) as Batch<S>[]
  return splitter.run(batch, items, bytes) as Batch<S>[]
}

/** A container of the input that is being gone through, and how far the part under construction has it. */
class Container {
  field = 0
  /** Starts and ends of what every part repeats. */
  readonly header: number[] = []
  headerBytes = 0
  /** Starts and ends of unknown fields, which only the first part gets. */
  readonly unknown: number[] = []
  /** Whether the current part has begun it, and what it has in it by now. */
  isOpen = false
  content = 0
  opened = 0
  /** Whether any part has begun it. */
  isKept = false

  begin(field: number): void {
    this.field = field
    this.header.length = 0
    this.headerBytes = 0
    this.unknown.length = 0
    this.isOpen = false
    this.isKept = false
  }

  /** Bytes in it before another record comes: its header, where the current part does not have it yet. */
  get contentOrHeader(): number {
    return this.isOpen ? this.content : this.headerBytes
  }
}

/**
 * Depths of containers; beside resources is none. Spans and log records are in scopes; data points in a metric's
 * data.
 */
const NO_DEPTH = -1
const RESOURCE_DEPTH = 0
const SCOPE_DEPTH = 1
const METRIC_DEPTH = 2
const DATA_DEPTH = 3
const DEPTHS = 4

/** Numbers that the tape has for each child of a container: field, start of the tag, start and end of the content. */
const CHILD = 4

/** The most memory, in numbers, that is kept from one batch to the next. */
const LARGEST_TAPE = 1 << 18

const NOTHING = Buffer.alloc(0)

/** One split at a time; used again for each batch, since what stays alive stays compiled and makes no garbage. */
class Splitter {
  #parts: Batch[] = []
  #segments: readonly Buffer[] = []
  #segment = 0
  #buffer: Buffer = NOTHING
  #signal: Signal = 'logs'
  #budget: ByteBudget | undefined
  #itemLimit = 0
  #byteLimit = 0
  readonly #part = new Part()
  readonly #entry = new Entry()
  readonly #containers = Array.from({ length: DEPTHS }, () => new Container())
  /** Children of the containers under way, the innermost last; `#top` is where the next one goes. */
  #tape = new Int32Array(CHILD * 256)
  #top = 0

  run(batch: Batch, itemLimit: number, byteLimit: number): Batch[] {
    this.#segments = batch.segments()
    this.#signal = batch.signal
    this.#budget = batch.budget
    this.#itemLimit = itemLimit
    this.#byteLimit = byteLimit
    try {
      for (let segment = 0; segment < this.#segments.length; segment++) this.#request(segment)
      if (!this.#part.isEmpty) this.#finishPart()
      return this.#parts
    } catch (error) {
      for (const part of this.#parts) part.release()
      throw error
    } finally {
      this.#forget()
    }
  }

  /** Lets go of the batch, and leaves nothing open whatever was thrown. */
  #forget(): void {
    this.#parts = []
    this.#segments = []
    this.#buffer = NOTHING
    this.#budget = undefined
    this.#part.clear()
    this.#top = 0
    for (const container of this.#containers) container.isOpen = false
    if (this.#tape.length > LARGEST_TAPE) this.#tape = new Int32Array(CHILD * 256)
  }

  #request(segment: number): void {
    const buffer = this.#segments[segment]!
    this.#segment = segment
    this.#buffer = buffer
    for (let at = 0; at < buffer.length;) {
      const start = at
      at = this.#entry.read(buffer, at, buffer.length)
      if (this.#entry.isMessage(RESOURCES)) this.#container(RESOURCE_DEPTH, RESOURCES, this.#entry.start, at)
      else this.#place(NO_DEPTH, start, at, 0)
    }
  }

  #container(depth: number, field: number, start: number, end: number): void {
    const container = this.#containers[depth]!
    container.begin(field)
    const base = this.#top
    this.#scan(container, depth, start, end)
    const top = this.#top
    // A metric whose data was written in several pieces, which belong together, is not taken apart.
    const isWhole = depth === METRIC_DEPTH && top - base > CHILD
    if (isWhole) this.#placeAll(depth, base, top)
    else for (let child = base; child < top; child += CHILD) this.#child(depth, child)
    this.#top = base
    if (!container.isKept) this.#place(depth, end, end, 0)
    this.#close(depth)
  }

  /** Finds the children, and what is to be repeated beside them. */
  #scan(container: Container, depth: number, start: number, end: number): void {
    const entry = this.#entry
    const base = this.#top
    for (let at = start; at < end;) {
      const from = at
      at = entry.read(this.#buffer, at, end)
      const { field } = entry
      if (isChild(depth, field)) {
        entry.isMessage(field)
        // Of a oneof that was written more than once the last member counts.
        if (depth === METRIC_DEPTH && this.#top > base && this.#tape[this.#top - CHILD] !== field) this.#top = base
        this.#note(field, from, entry.start, at)
      } else if (isHeader(depth, field)) {
        container.header.push(from, at)
        container.headerBytes += at - from
      } else {
        container.unknown.push(from, at)
        container.headerBytes += at - from
      }
    }
  }

  #note(field: number, start: number, content: number, end: number): void {
    if (this.#top === this.#tape.length) {
      const larger = new Int32Array(this.#tape.length * 2)
      larger.set(this.#tape)
      this.#tape = larger
    }
    this.#tape[this.#top++] = field
    this.#tape[this.#top++] = start
    this.#tape[this.#top++] = content
    this.#tape[this.#top++] = end
  }

  #child(depth: number, child: number): void {
    const field = this.#tape[child]!
    const start = this.#tape[child + 1]!
    const content = this.#tape[child + 2]!
    const end = this.#tape[child + 3]!
    if (depth === DATA_DEPTH || (depth === SCOPE_DEPTH && this.#signal !== 'metrics')) {
      return this.#place(depth, start, end, 1)
    }
    if (depth === SCOPE_DEPTH) {
      const points = countPoints(this.#buffer, content, end)
      if (this.#fits(depth, end - start, points)) return this.#place(depth, start, end, points)
    }
    this.#container(depth + 1, field, content, end)
  }

  #placeAll(depth: number, base: number, top: number): void {
    const tape = this.#tape
    let points = 0
    for (let child = base; child < top; child += CHILD) {
      points += countEntries(this.#entry, this.#buffer, tape[child + 2]!, tape[child + 3]!)
    }
    // Pieces may be apart; the first takes the count, and with it the decision where all of them go.
    let size = 0
    for (let child = base; child < top; child += CHILD) size += tape[child + 3]! - tape[child + 1]!
    if (!this.#fits(depth, size, points) && !this.#part.isEmpty) this.#finishPart()
    for (let child = base; child < top; child += CHILD) {
      this.#append(depth, tape[child + 1]!, tape[child + 3]!, child === base ? points : 0)
    }
  }

  /**
   * Puts a record, or whole containers that count as `items`, into the current part if it fits, and else into a new
   * one.
   */
  #place(depth: number, start: number, end: number, items: number): void {
    if (!this.#part.isEmpty && !this.#fits(depth, end - start, items)) this.#finishPart()
    this.#append(depth, start, end, items)
  }

  #fits(depth: number, bytes: number, items: number): boolean {
    if (this.#part.items + items > this.#itemLimit) return false
    if (this.#byteLimit === Infinity) return true
    let size = bytes
    for (let level = depth; level >= 0; level--) size = enclosed(this.#containers[level]!.contentOrHeader + size)
    return this.#part.bytes + size <= this.#byteLimit
  }

  #append(depth: number, start: number, end: number, items: number): void {
    for (let level = 0; level <= depth; level++) this.#open(this.#containers[level]!)
    this.#part.copy(this.#segment, start, end)
    this.#part.items += items
    if (depth >= 0) this.#containers[depth]!.content += end - start
    else this.#part.bytes += end - start
  }

  #open(container: Container): void {
    if (container.isOpen) return
    const part = this.#part
    container.opened = part.open(container.field)
    const { header, unknown } = container
    for (let index = 0; index < header.length; index += 2) part.copy(this.#segment, header[index]!, header[index + 1]!)
    container.content = container.headerBytes
    for (let index = 0; index < unknown.length; index += 2) {
      part.copy(this.#segment, unknown[index]!, unknown[index + 1]!)
      container.headerBytes -= unknown[index + 1]! - unknown[index]!
    }
    unknown.length = 0
    container.isOpen = true
    container.isKept = true
  }

  #close(depth: number): void {
    const container = this.#containers[depth]!
    if (!container.isOpen) return
    container.isOpen = false
    this.#part.close(container.opened, container.content)
    const size = enclosed(container.content)
    if (depth === 0) this.#part.bytes += size
    else this.#containers[depth - 1]!.content += size
  }

  #finishPart(): void {
    for (let depth = DEPTHS - 1; depth >= 0; depth--) this.#close(depth)
    this.#parts.push(this.#part.build(this.#signal, this.#segments, this.#budget))
    this.#part.clear()
  }
}

const splitter = new Splitter()

function isChild(depth: number, field: number): boolean {
  switch (depth) {
    case RESOURCE_DEPTH:
      return field === SCOPES
    case SCOPE_DEPTH:
      return field === RECORDS
    case METRIC_DEPTH:
      return holdsPoints(field)
    default:
      return field === POINTS
  }
}

/**
 * The resource or scope (1) and schema URL (3); of a metric name, description, unit (1 to 3) and metadata (12); of
 * its data the temporality and whether it is monotonic.
 */
function isHeader(depth: number, field: number): boolean {
  switch (depth) {
    case RESOURCE_DEPTH:
    case SCOPE_DEPTH:
      return field === 1 || field === 3
    case METRIC_DEPTH:
      return field <= 3 || field === 12
    default:
      return field === 2 || field === 3
  }
}

function countEntries(entry: Entry, buffer: Buffer, start: number, end: number): number {
  let entries = 0
  for (let at = start; at < end;) {
    at = entry.read(buffer, at, end)
    if (entry.field === POINTS && entry.wireType === LENGTH) entries++
  }
  return entries
}
