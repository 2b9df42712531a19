import type { TestContext } from 'node:test'
import { Options } from '../../../src/component/options.ts'
import { grpcServerOptions } from '../../../src/transport/grpc-server-options.ts'
import { HeaderDecoder } from '../../../src/transport/http2/hpack/decoder.ts'
import { startHttp2Server } from '../../../src/transport/http2/server.ts'
import type { BufferMethod, SlabMethod, UnaryServer, UnaryServing } from '../../../src/transport/unary.ts'
import { configured } from '../configured.ts'
import { disposing } from '../disposing.ts'
import { quiet } from '../quiet.ts'
import { END_HEADERS, END_STREAM, frame, grpcHeaders, int32, RawConnection, TYPE } from '../raw-http2.ts'

export const PATH = '/test.Service/Method'

export interface Served {
  readonly server: UnaryServer
  readonly port: number
  readonly connect: (settings?: Buffer) => RawConnection
}

/** A server of one method, over our own HTTP/2. */
export async function serve(
  t: TestContext,
  method: BufferMethod | SlabMethod | BufferMethod['handle'],
  yaml = '{}',
  serving: Partial<UnaryServing> = {},
): Promise<Served> {
  const options = configured({ config: Options(grpcServerOptions('127.0.0.1:0')) }, yaml)
  const methods = new Map([[PATH, typeof method === 'function' ? { handle: method } : method]])
  const server = await startHttp2Server(options, { methods, log: quiet, ...serving })
  t.after(() => server.close(AbortSignal.abort()))
  const { port } = server.address as { port: number }
  return { server, port, connect: (settings) => disposing(t, new RawConnection(port, settings)) }
}

export const echo = async (message: Buffer): Promise<Buffer> => message

export const headers = (stream: number, flags = 0, more: Readonly<Record<string, string>> = {}): Buffer =>
  frame(TYPE.headers, END_HEADERS | flags, stream, grpcHeaders(PATH, more))

/** A message, framed by gRPC. `length`: what the prefix says, where that is something else. */
export const framed = (body: Buffer | string, flag = 0, length?: number): Buffer => {
  const bytes = Buffer.from(body)
  return Buffer.concat([Buffer.from([flag]), int32(length ?? bytes.length), bytes])
}

export const data = (stream: number, bytes: Buffer, flags = END_STREAM): Buffer =>
  frame(TYPE.data, flags, stream, bytes)

export const request = (stream: number, body: Buffer | string = 'x'): Buffer =>
  Buffer.concat([headers(stream), data(stream, framed(body))])

export interface Answer {
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly isWhole: boolean
  readonly reset: number | undefined
}

/** What has come on a stream until now. */
export function answerOn({ frames }: RawConnection, wanted: number): Answer {
  const decoder = new HeaderDecoder({ tableSize: 4096, listSize: 65_536 })
  const found = new Map<string, string>()
  const bodies: Buffer[] = []
  let isWhole = false
  let reset: number | undefined
  for (const { type, flags, stream, payload } of frames) {
    const fields = type === TYPE.headers ? decoder.decode(payload, 0, payload.length).fields : []
    if (stream !== wanted) continue
    for (const { name, value } of fields) found.set(name, value)
    if (type === TYPE.data) bodies.push(payload)
    if (type === TYPE.reset) reset = payload.readUInt32BE(0)
    if ((type === TYPE.data || type === TYPE.headers) && (flags & END_STREAM) !== 0) isWhole = true
  }
  return { headers: found, body: Buffer.concat(bodies), isWhole, reset }
}

export const statusOn = (connection: RawConnection, stream: number): string | undefined =>
  answerOn(connection, stream).headers.get('grpc-status')
