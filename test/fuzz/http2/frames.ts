/** HTTP/2's frames as data that may be wrong: nothing here checks anything. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
  /** What its head says, where that is not the payload's length. */
  readonly length?: number
}

export const DATA = 0
export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PUSH_PROMISE = 5
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9
export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4
export const PADDED = 8
export const WITH_PRIORITY = 0x20
export const HEAD = 9
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const NOTHING = Buffer.alloc(0)

export const frame = (type: number, flags: number, stream: number, payload: Buffer = NOTHING): Frame => ({
  type,
  flags,
  stream,
  payload,
})

export function frameBytes({ type, flags, stream, payload, length = payload.length }: Frame): Buffer {
  const head = Buffer.alloc(HEAD)
  head.writeUIntBE(length & 0xffffff, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

/** The whole frames in `bytes`; what is behind them is let go. */
export function framesOf(bytes: Buffer): Frame[] {
  const found: Frame[] = []
  const reader = new Frames((each) => found.push(each))
  reader.read(bytes)
  return found
}

/** Finds whole frames in what comes. */
export class Frames {
  readonly #found: (frame: Frame) => void
  #rest: Buffer = NOTHING

  constructor(found: (frame: Frame) => void) {
    this.#found = found
  }

  read(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    while (rest.length >= HEAD && rest.length >= HEAD + rest.readUIntBE(0, 3)) {
      const end = HEAD + rest.readUIntBE(0, 3)
      const [type, flags] = [rest[3]!, rest[4]!]
      this.#found({ type, flags, stream: rest.readUInt32BE(5) & 0x7fffffff, payload: rest.subarray(HEAD, end) })
      rest = rest.subarray(end)
    }
    this.#rest = rest
  }
}

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export const setting = (id: number, value: number): Buffer =>
  Buffer.concat([Buffer.of(id >> 8, id & 255), uint32(value)])

/** Literals without indexing (RFC 7541, 6.2.2). */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}
