import net from 'node:net'

/** HTTP/2 by hand (RFC 9113), to send what no library sends. */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const END_STREAM = 1
export const END_HEADERS = 4

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HPACK literals without indexing, no Huffman coding (RFC 7541, 6.2.2). */
export function hpack(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value)
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
    const length = [127]
    let rest = bytes.length - 127
    for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128)
    return Buffer.concat([Buffer.from([...length, rest]), bytes])
  }
  return Buffer.concat(Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

export const grpcHeaders = (path: string, more: Readonly<Record<string, string>> = {}): Buffer =>
  hpack({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  })

export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const setting = (id: number, value: number): Buffer => {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

/** A message of gRPC in a DATA frame that ends the request. */
export const message = (stream: number, body = 'x'): Buffer =>
  frame(TYPE.data, END_STREAM, stream, Buffer.concat([Buffer.from([0]), int32(body.length), Buffer.from(body)]))

export interface Received {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** The frames that are whole, and what comes behind them. */
export function framesIn(bytes: Buffer): { readonly frames: Received[]; readonly rest: Buffer } {
  const frames: Received[] = []
  let rest = bytes
  while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
    const end = 9 + rest.readUIntBE(0, 3)
    frames.push({ type: rest[3]!, flags: rest[4]!, stream: rest.readUInt32BE(5), payload: rest.subarray(9, end) })
    rest = rest.subarray(end)
  }
  return { frames, rest }
}

/** A connection that has sent its preface and settings. */
export class RawConnection implements Disposable {
  readonly socket: net.Socket
  readonly frames: Received[] = []
  closed = false
  #rest: Buffer = Buffer.alloc(0)

  constructor(port: number, settings: Uint8Array = Buffer.alloc(0)) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {}).on('close', () => (this.closed = true))
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.socket.write(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0, settings)]))
  }

  /** Resolves when the bytes are written, or nobody takes them any more. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.closed || this.socket.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      this.socket.once('close', resolve)
      this.socket.write(bytes, () => {
        this.socket.off('close', resolve)
        resolve()
      })
    })
  }

  /** The code of the GOAWAY that came. */
  get goaway(): number | undefined {
    return this.frames.find(({ type }) => type === TYPE.goaway)?.payload.readUInt32BE(4)
  }

  #read(chunk: Buffer): void {
    const { frames, rest } = framesIn(Buffer.concat([this.#rest, chunk]))
    this.frames.push(...frames)
    this.#rest = rest
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
