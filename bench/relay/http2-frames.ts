/** As much of RFC 9113 as a client and a server of unary gRPC need, written apart from Telegen's own, which it has to judge. */
export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8

export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4
const PADDED_OR_PRIORITY = 0x28

export const HEADER_TABLE_SIZE = 1
export const MAX_CONCURRENT_STREAMS = 3
export const INITIAL_WINDOW_SIZE = 4
export const MAX_FRAME_SIZE = 5

export const HEAD = 9
export const LARGEST_PAYLOAD = 16_384
export const FIRST_WINDOW = 65_535
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(HEAD + payload.length)
  writeHead(bytes, 0, payload.length, type, flags, stream)
  payload.copy(bytes, HEAD)
  return bytes
}

export function writeHead(to: Buffer, at: number, length: number, type: number, flags: number, stream: number): void {
  to.writeUIntBE(length, at, 3)
  to[at + 3] = type
  to[at + 4] = flags
  to.writeUInt32BE(stream, at + 5)
}

export function settings(values: Readonly<Record<number, number>>): Buffer {
  const pairs = Object.entries(values)
  const payload = Buffer.alloc(6 * pairs.length)
  for (const [index, [key, value]] of pairs.entries()) {
    payload.writeUInt16BE(Number(key), 6 * index)
    payload.writeUInt32BE(value, 6 * index + 2)
  }
  return frame(SETTINGS, 0, 0, payload)
}

export function* readSettings(payload: Buffer): Generator<[key: number, value: number]> {
  for (let at = 0; at < payload.length; at += 6) yield [payload.readUInt16BE(at), payload.readUInt32BE(at + 2)]
}

export const SETTINGS_ACK = frame(SETTINGS, ACK, 0, Buffer.alloc(0))

export function windowUpdate(stream: number, credit: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(credit)
  return frame(WINDOW_UPDATE, 0, stream, payload)
}

/** What a connection makes of its frames. Bytes are valid during the call. */
export interface Taker {
  /** A piece of a DATA frame's payload; `last`: with it the stream ends. */
  data(stream: number, chunk: Buffer, start: number, end: number, last: boolean): void
  /** Any other frame, whole. */
  frame(type: number, flags: number, stream: number, payload: Buffer): void
}

/** Cuts what a socket delivers into frames, DATA without joining anything. */
export class FrameReader {
  readonly #taker: Taker
  readonly #head = Buffer.alloc(HEAD)
  #headFilled = 0
  #left = 0
  #type = 0
  #flags = 0
  #stream = 0
  /** The part that has come of a frame that is not DATA. */
  #partial = Buffer.alloc(0)

  constructor(taker: Taker) {
    this.#taker = taker
  }

  push(chunk: Buffer, length: number): void {
    let at = 0
    while (at < length || (this.#headFilled === HEAD && this.#left === 0)) {
      if (this.#headFilled < HEAD) {
        at = this.#takeHead(chunk, at, length)
        if (this.#headFilled < HEAD) return
      }
      const end = Math.min(length, at + this.#left)
      this.#left -= end - at
      if (this.#type === DATA) this.#data(chunk, at, end)
      else this.#other(chunk, at, end)
      at = end
      if (this.#left === 0) this.#headFilled = 0
      else return
    }
  }

  #takeHead(chunk: Buffer, from: number, length: number): number {
    let at = from
    while (this.#headFilled < HEAD && at < length) this.#head[this.#headFilled++] = chunk[at++]!
    if (this.#headFilled < HEAD) return at
    const head = this.#head
    this.#left = (head[0]! << 16) | (head[1]! << 8) | head[2]!
    this.#type = head[3]!
    this.#flags = head[4]!
    this.#stream = ((head[5]! & 0x7f) << 24) | (head[6]! << 16) | (head[7]! << 8) | head[8]!
    if (this.#type <= HEADERS && (this.#flags & PADDED_OR_PRIORITY) !== 0)
      throw new Error('padding and priorities are not expected of a gRPC peer')
    if (this.#type === HEADERS && (this.#flags & END_HEADERS) === 0) throw new Error('a header block in several frames')
    return at
  }

  #data(chunk: Buffer, start: number, end: number): void {
    this.#taker.data(this.#stream, chunk, start, end, this.#left === 0 && (this.#flags & END_STREAM) !== 0)
  }

  #other(chunk: Buffer, start: number, end: number): void {
    const piece = chunk.subarray(start, end)
    if (this.#left > 0) {
      this.#partial = Buffer.concat([this.#partial, piece])
      return
    }
    const whole = this.#partial.length === 0 ? piece : Buffer.concat([this.#partial, piece])
    this.#partial = Buffer.alloc(0)
    this.#taker.frame(this.#type, this.#flags, this.#stream, whole)
  }
}
