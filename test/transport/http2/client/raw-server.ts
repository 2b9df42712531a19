import net from 'node:net'
import type { TestContext } from 'node:test'
import { Options } from '../../../../src/component/options.ts'
import { encodeHeaders } from '../../../../src/transport/http2/hpack/encoder.ts'
import { headerField } from '../../../../src/transport/http2/hpack/header-list.ts'
import { grpcClientOptions } from '../../../../src/transport/grpc-client-options.ts'
import { makeHttp2Client } from '../../../../src/transport/http2/client/client.ts'
import type { CallOptions } from '../../../../src/transport/unary.ts'
import { configured } from '../../configured.ts'
import { END_HEADERS, END_STREAM, frame, int32, PREFACE, TYPE } from '../../raw-http2.ts'
import type { Received } from '../../raw-http2.ts'
import { until } from '../../until.ts'

export const PATH = '/test.Service/Method'

/** One connection of a client, spoken with by hand. */
export class RawPeer {
  readonly socket: net.Socket
  readonly frames: Received[] = []
  closed = false
  #rest: Buffer = Buffer.alloc(0)
  #hasPreface = false
  readonly #heard: (peer: RawPeer, frame: Received) => void

  constructor(socket: net.Socket, heard: (peer: RawPeer, frame: Received) => void) {
    this.socket = socket
    this.#heard = heard
    socket.on('error', () => {}).on('close', () => (this.closed = true))
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  send(...frames: readonly Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames))
  }

  /** The whole answer to a request. */
  answer(stream: number, body = 'x', trailers: Record<string, string> = { 'grpc-status': '0' }): void {
    this.send(headers(stream, OK), message(stream, body), headers(stream, trailers, END_STREAM))
  }

  count(type: number): number {
    return this.frames.filter((each) => each.type === type).length
  }

  find(type: number, stream?: number): Received | undefined {
    return this.frames.find((each) => each.type === type && (stream === undefined || each.stream === stream))
  }

  get goaway(): number | undefined {
    return this.find(TYPE.goaway)?.payload.readUInt32BE(4)
  }

  #read(chunk: Buffer): void {
    let rest = Buffer.concat([this.#rest, chunk])
    if (!this.#hasPreface && rest.length >= PREFACE.length) {
      this.#hasPreface = true
      rest = rest.subarray(PREFACE.length)
    }
    while (this.#hasPreface && rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3)
      const payload = Buffer.from(rest.subarray(9, end))
      const found = { type: rest[3]!, flags: rest[4]!, stream: rest.readUInt32BE(5), payload }
      rest = rest.subarray(end)
      this.frames.push(found)
      this.#heard(this, found)
    }
    this.#rest = rest
  }
}

export const OK = { ':status': '200', 'content-type': 'application/grpc' }

export const headers = (stream: number, fields: Record<string, string>, flags = 0): Buffer =>
  frame(
    TYPE.headers,
    END_HEADERS | flags,
    stream,
    encodeHeaders(Object.entries(fields).map(([name, value]) => headerField(name, value))),
  )

export const message = (stream: number, body: string, flags = 0): Buffer =>
  frame(TYPE.data, flags, stream, Buffer.concat([Buffer.from([0]), int32(Buffer.byteLength(body)), Buffer.from(body)]))

export interface RawServer {
  readonly port: number
  readonly peers: readonly RawPeer[]
}

interface Speaking {
  /** Sent at once: SETTINGS, where there is nothing else. */
  readonly first?: Buffer
  readonly heard?: (peer: RawPeer, frame: Received) => void
}

/** A server that says what the test wants, and hears all. */
export async function rawServer(t: TestContext, { first, heard = () => {} }: Speaking = {}): Promise<RawServer> {
  const peers: RawPeer[] = []
  const server = net.createServer((socket) => {
    const peer = new RawPeer(socket, heard)
    peers.push(peer)
    peer.send(first ?? frame(TYPE.settings, 0, 0))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const { socket } of peers) socket.destroy()
  })
  return { port: (server.address() as net.AddressInfo).port, peers }
}

const NEVER = new AbortController().signal

export interface Caller {
  (body?: string | readonly Buffer[], options?: Partial<CallOptions>): Promise<string>
  close(): void
}

/** A client of ours; `yaml` are further options. */
export async function caller(t: TestContext, port: number, yaml = ''): Promise<Caller> {
  const options = `{ endpoint: 'http://127.0.0.1:${port}', compression: none, ${yaml} }`
  const client = await makeHttp2Client(configured({ config: Options(grpcClientOptions) }, options))
  t.after(() => client.close())
  const call = async (body: string | readonly Buffer[] = 'x', more: Partial<CallOptions> = {}) => {
    const bytes = typeof body === 'string' ? [Buffer.from(body)] : body
    return String(await client.call(PATH, bytes, { timeout: 10_000, abort: NEVER, ...more }))
  }
  return Object.assign(call, { close: () => client.close() })
}

/** Answers each request when its end has come. */
export function answering(peer: RawPeer, { type, flags, stream }: Received): void {
  if (type === TYPE.data && flags & END_STREAM) peer.answer(stream)
}

export const connected = (server: RawServer, count = 1): Promise<void> =>
  until(() => server.peers.length >= count, `${count} connections`)
