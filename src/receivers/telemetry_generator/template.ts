import type { Signal } from '../../plugin.ts'
import type { Random } from './random.ts'
import { MAKE, SEQUENCE_STRING } from './shapes.ts'
import { MARKS, SEQUENCE } from './marks.ts'
import type { Shape } from './marks.ts'

/** How long before its end a made-up span began, in nanoseconds. */
const TOOK = 1_000_000n

/**
 * One request, built once, and where in it stands what differs from request to request: most of the work is then a copy.
 * It fits all requests whose numbers take as many bytes as those that it was made with.
 */
export class Template {
  readonly shape: Shape
  readonly bytes: Buffer
  readonly #sequences: readonly number[]
  readonly #traceIds: readonly number[]
  readonly #spanIds: readonly number[]
  readonly #values: readonly number[]
  readonly #starts: readonly number[]
  readonly #ends: readonly number[]

  constructor(signal: Signal, shape: Shape) {
    const batch = MAKE[signal](shape)
    this.shape = shape
    this.bytes = Buffer.concat(batch.segments())
    batch.release()
    const prefix = signal === 'profiles' ? Buffer.from([0x08, SEQUENCE_STRING, 0x12]) : Buffer.from(`${SEQUENCE}\x12`)
    this.#sequences = sequences(this.bytes, prefix, shape)
    this.#traceIds = places(this.bytes, MARKS.traceId)
    this.#spanIds = places(this.bytes, MARKS.spanId)
    this.#values = places(this.bytes, MARKS.value)
    this.#starts = places(this.bytes, MARKS.start)
    this.#ends = places(this.bytes, MARKS.end)
  }

  /** Whether requests that begin with this number and have so many items can be made of it. */
  fits(first: number, items: number): boolean {
    const { shape } = this
    return (
      items === shape.items &&
      shorterAmong(first, items) === shorterAmong(shape.first, items) &&
      sizeOf(first) === sizeOf(shape.first)
    )
  }

  /** Writes a request to the beginning of `buffer`; its numbers go on from `first`, its time is `now`. */
  write(buffer: Buffer, first: number, now: bigint, random: Random): void {
    this.bytes.copy(buffer)
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    for (const at of this.#traceIds) randomly(view, at, 4, random)
    for (const at of this.#spanIds) randomly(view, at, 2, random)
    for (const at of this.#values) view.setFloat64(at, (random.next() >>> 0) / 2 ** 32, true)
    for (const at of this.#starts) view.setBigUint64(at, now - TOOK, true)
    for (const at of this.#ends) view.setBigUint64(at, now, true)
    for (let index = 0; index < this.#sequences.length; index++)
      writeVarint(buffer, this.#sequences[index]!, first + index)
  }
}

/** Ids must not be zero throughout. */
function randomly(view: DataView, at: number, words: number, random: Random): void {
  for (let word = 0; word < words; word++) view.setInt32(at + word * 4, random.next() | (word === 0 ? 1 : 0), true)
}

function places(bytes: Buffer, mark: Buffer): number[] {
  const found: number[] = []
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) found.push(at)
  return found
}

/** After the prefix come the length of an AnyValue and the tag of its int. */
function sequences(bytes: Buffer, prefix: Buffer, { first, items }: Shape): number[] {
  const found: number[] = []
  let from = 0
  for (let index = 0; index < items; index++) {
    const number = Buffer.alloc(sizeOf(first + index))
    writeVarint(number, 0, first + index)
    const whole = Buffer.concat([prefix, Buffer.from([number.length + 1, 0x18]), number])
    const at = bytes.indexOf(whole, from)
    if (at < 0) throw new Error(`the number ${first + index} does not stand in the request that was made`)
    from = at + whole.length
    found.push(from - number.length)
  }
  return found
}

/** Bytes of a number as a varint. */
function sizeOf(number: number): number {
  let size = 1
  for (let rest = number; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}

/** How many of these numbers take as few bytes as the first. */
const shorterAmong = (first: number, items: number): number => Math.min(items, 0x80 ** sizeOf(first) - first)

function writeVarint(buffer: Buffer, at: number, number: number): void {
  let rest = number
  while (rest >= 0x80) {
    buffer[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  buffer[at] = rest
}
