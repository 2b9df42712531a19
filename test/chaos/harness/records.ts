import { crc32 } from 'node:zlib'

/**
 * Numbered spans, written and read here without any code of Telegen's: all bytes of a span follow from its number and its length, so that
 * whoever gets one can tell which it is and whether it is whole.
 */
export const DEFAULT_FILLER = 120

/** Requests of `size` spans each, of which request `n` has the numbers from `n * size` on. */
export class NumberedRequests {
  readonly size: number
  readonly #payload: Buffer
  readonly #offsets: readonly number[]

  constructor(size: number, filler = DEFAULT_FILLER) {
    this.size = size
    const span = template(filler)
    const spans = Buffer.concat(Array.from({ length: size }, () => field(2, span)))
    const resource = field(1, attribute('service.name', 'chaos'))
    this.#payload = field(1, Buffer.concat([resource, field(2, spans)]))
    const each = spans.length / size
    const end = this.#payload.length
    this.#offsets = Array.from({ length: size }, (_, index) => end - (size - index - 1) * each - span.length)
  }

  /** A copy of its own: it may wait for a socket. */
  request(index: number): Buffer {
    const payload = Buffer.from(this.#payload)
    this.#offsets.forEach((offset, each) => writeNumber(payload, offset, index * this.size + each))
    return payload
  }
}

/** The number of a span that is whole; `altered` where its other bytes are not those of its number, `foreign` where it was never made here. */
export function numberOf(span: Buffer): number | 'altered' | 'foreign' {
  if (span.length < FIXED_BYTES || span.readUInt16BE(MARK_AT) !== MARK) return 'foreign'
  const number = span.readUIntBE(MARK_AT + 2, 6)
  let expected = expectations.get(span.length)
  if (!expected) expectations.set(span.length, (expected = templateOf(span.length)))
  writeNumber(expected, 0, number)
  return expected.equals(span) ? number : 'altered'
}

/** All spans of an ExportTraceServiceRequest: resource_spans 1, scope_spans 2, spans 2. Throws at what is not one. */
export function* spansIn(request: Buffer): Iterable<Buffer> {
  for (const resourceSpans of parts(request, 1))
    for (const scopeSpans of parts(resourceSpans, 2)) yield* parts(scopeSpans, 2)
}

/** One by the length of the spans, of which there are few in a run. */
const expectations = new Map<number, Buffer>()

const MARK = 0xface
/** Behind `0a 10`, 16 bytes of trace id, `12 08`. */
const MARK_AT = 20
/** Behind the span id and `22 08`: the parent's id holds the checksum. */
const CHECK_AT = 30
const FIXED_BYTES = 38

function writeNumber(buffer: Buffer, span: number, number: number): void {
  buffer.writeUIntBE(number, span + 12, 6)
  buffer.writeUIntBE(number, span + MARK_AT + 2, 6)
  buffer.writeUInt32BE(crc32(buffer.subarray(span + 12, span + 18)), span + CHECK_AT)
}

/** The template whose spans are as long as this; an empty one where none is. */
function templateOf(length: number): Buffer {
  for (let filler = Math.max(0, length - 120); filler <= length; filler++) {
    const span = template(filler)
    if (span.length === length) return span
  }
  return Buffer.alloc(length)
}

/** Number 0. The filler differs at each place, so that bytes from elsewhere are seen. */
function template(filler: number): Buffer {
  let text = ''
  for (let word = 0; text.length < filler; word++) text += `${(word * 2654435761) % 4294967296} `
  return Buffer.concat([
    field(1, Buffer.from('c4a05000000000000000000000000000', 'hex')),
    field(2, Buffer.from('face000000000000', 'hex')),
    field(4, Buffer.from('00000000c4a05000', 'hex')),
    field(5, Buffer.from('GET /cart')),
    Buffer.from('3002390000f0b4c5566d184100e1f5b4c5566d18', 'hex'),
    field(9, Buffer.concat([field(1, Buffer.from('filler')), field(2, field(1, Buffer.from(text.slice(0, filler))))])),
  ])
}

const attribute = (key: string, value: string): Buffer =>
  field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, field(1, Buffer.from(value)))]))

function field(number: number, content: Buffer): Buffer {
  const head = [(number << 3) | 2]
  let length = content.length
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) | 128)
  return Buffer.concat([Buffer.from([...head, length]), content])
}

function* parts(message: Buffer, wanted: number): Iterable<Buffer> {
  for (let at = 0; at < message.length;) {
    const key = varint(message, at)
    if ((key.value & 7) !== 2) throw new Error(`field ${key.value >> 3} has wire type ${key.value & 7}`)
    const length = varint(message, key.next)
    at = length.next + length.value
    if (at > message.length) throw new Error('a field is longer than its message')
    if (key.value >> 3 === wanted) yield message.subarray(length.next, at)
  }
}

function varint(message: Buffer, from: number): { value: number; next: number } {
  let value = 0
  let at = from
  for (let unit = 1; ; unit *= 128) {
    const byte = message[at++]
    if (byte === undefined) throw new Error('a varint is cut off')
    value += (byte & 127) * unit
    if (byte < 128) return { value, next: at }
  }
}
