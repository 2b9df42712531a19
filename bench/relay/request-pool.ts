import { gzipSync } from 'node:zlib'
import { DATA, END_HEADERS, END_STREAM, frame, HEAD, HEADERS, LARGEST_PAYLOAD, writeHead } from './http2-frames.ts'
import { locate, places } from './item-numbers.ts'
import type { Ledger } from './ledger.ts'
import { request } from './requests.ts'
import type { Scenario } from './scenario.ts'

/** A request ready to be written: all of its bytes, in which only the stream's id and the items' numbers change. */
export interface Prepared {
  readonly bytes: Buffer
  /** Where the heads of the HTTP/2 frames begin, that of HEADERS first; empty for HTTP/1.1. */
  readonly frames: readonly number[]
  /** Where the items' numbers are; empty where they are fixed, since the content is compressed. */
  readonly numbers: Int32Array
  id: number
  /** When it was due. */
  since: number
}

export interface Shape {
  readonly scenario: Scenario
  readonly variants: number
  /** What stands before the message: a header block, or the head of an HTTP/1.1 request. */
  readonly head: (length: number) => Buffer
}

/**
 * Requests that are not under way. Where content is not compressed every request that is taken gets numbers that no request had before;
 * compressed ones keep theirs, and are sent again only after they were answered.
 */
export class RequestPool {
  readonly #free: Prepared[] = []
  readonly #items: number
  readonly #variants: number
  readonly #ledger: Ledger
  readonly #fixed: boolean
  readonly #next: number[]

  constructor(shape: Shape, size: number, ledger: Ledger) {
    const { items, gzip } = shape.scenario
    this.#items = items
    this.#variants = shape.variants
    this.#ledger = ledger
    this.#fixed = gzip
    this.#next = Array.from({ length: shape.variants }, (_, variant) => variant)
    for (let id = 0; id < size; id++) this.#free.push(prepare(shape, id))
  }

  /** Forgets nothing but what the numbers of the window before were. */
  begin(): void {
    if (this.#fixed) return this.#ledger.begin(0)
    const first = Math.ceil(Math.max(...this.#next) / this.#variants) * this.#variants
    for (let variant = 0; variant < this.#variants; variant++) this.#next[variant] = first + variant
    this.#ledger.begin(first)
  }

  /** The one that has been free for longest. */
  take(since: number): Prepared | undefined {
    const prepared = this.#free.shift()
    if (prepared === undefined) return undefined
    prepared.since = since
    if (!this.#fixed) this.#number(prepared)
    this.#ledger.sent(prepared.id)
    return prepared
  }

  give(prepared: Prepared): void {
    this.#free.push(prepared)
  }

  #number(prepared: Prepared): void {
    const variant = prepared.id % this.#variants
    const id = this.#next[variant]!
    this.#next[variant] = id + this.#variants
    prepared.id = id
    number(prepared.bytes, prepared.numbers, id * this.#items)
  }
}

function number(bytes: Buffer, numbers: Int32Array, first: number): void {
  for (let item = 0; item < numbers.length; item++) bytes.writeUInt32LE((first + item) >>> 0, numbers[item])
}

function prepare({ scenario, variants, head }: Shape, id: number): Prepared {
  const { signal, items, protocol, gzip } = scenario
  const body = request(signal, items, id % variants)
  if (locate(signal, body, 0, body.length) !== items) throw new Error(`a request that has not ${items} items`)
  const numbers = places.slice(0, items)
  if (gzip) number(body, numbers, id * items)
  const content = gzip ? gzipSync(body) : body
  const kept = gzip ? new Int32Array(0) : numbers
  if (protocol === 'http') {
    const first = head(content.length)
    return {
      bytes: Buffer.concat([first, content]),
      frames: [],
      numbers: kept.map((at) => at + first.length),
      id,
      since: 0,
    }
  }
  const prefix = Buffer.alloc(5)
  prefix[0] = gzip ? 1 : 0
  prefix.writeUInt32BE(content.length, 1)
  return {
    ...framed(
      head(content.length),
      Buffer.concat([prefix, content]),
      kept.map((at) => at + 5),
    ),
    id,
    since: 0,
  }
}

/** Frames end where they must, but never within a number. */
function framed(block: Buffer, message: Buffer, numbers: Int32Array): Pick<Prepared, 'bytes' | 'frames' | 'numbers'> {
  const pieces = [frame(HEADERS, END_HEADERS, 0, block)]
  const frames = [0]
  const moved = new Int32Array(numbers.length)
  let [length, item] = [pieces[0]!.length, 0]
  for (let start = 0; start < message.length;) {
    let end = Math.min(message.length, start + LARGEST_PAYLOAD)
    const first = item
    while (item < numbers.length && numbers[item]! < end) item++
    if (item > first && numbers[item - 1]! + 4 > end) end = numbers[--item]!
    for (let each = first; each < item; each++) moved[each] = length + HEAD + numbers[each]! - start
    const piece = Buffer.alloc(HEAD + end - start)
    writeHead(piece, 0, end - start, DATA, end === message.length ? END_STREAM : 0, 0)
    message.copy(piece, HEAD, start, end)
    frames.push(length)
    pieces.push(piece)
    length += piece.length
    start = end
  }
  return { bytes: Buffer.concat(pieces), frames, numbers: moved }
}
