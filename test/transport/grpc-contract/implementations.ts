import { Options } from '../../../src/component/options.ts'
import { Refused } from '../../../src/component/refused.ts'
import assert from 'node:assert/strict'
import zlib from 'node:zlib'
import { Compressor } from 'snappy'
import { makeGrpcClient } from '../../../src/transport/grpc-client.ts'
import { grpcClientOptions } from '../../../src/transport/grpc-client-options.ts'
import { startGrpcServer } from '../../../src/transport/grpc-server.ts'
import { grpcServerOptions } from '../../../src/transport/grpc-server-options.ts'
import { makeHttp2Client } from '../../../src/transport/http2/client/client.ts'
import { startHttp2Server } from '../../../src/transport/http2/server.ts'
import type {
  BufferMethod,
  CallOptions,
  MakeUnaryClient,
  StartUnaryServer,
  UnaryServer,
} from '../../../src/transport/unary.ts'
import { configured } from '../configured.ts'
import { quiet } from '../quiet.ts'

/** All implementations of the contract, by their names in `transport`. */
export const SERVERS: Readonly<Record<string, StartUnaryServer>> = { http2: startHttp2Server, grpc_js: startGrpcServer }
export const CLIENTS: Readonly<Record<string, MakeUnaryClient>> = { http2: makeHttp2Client, grpc_js: makeGrpcClient }

export const PATH = '/test.Service/Method'
const serverDefinition = { config: Options(grpcServerOptions('127.0.0.1:0')) }
const clientDefinition = { config: Options(grpcClientOptions) }
const NEVER = new AbortController().signal

/** Codings that grpc-js does not know; gRPC's snappy is the framed one. */
export const COMPRESS: Readonly<Record<string, (body: Buffer) => Promise<Buffer>>> = {
  zstd: async (body) => zlib.zstdCompressSync(body),
  async snappy(body) {
    const compressor = new Compressor()
    return Buffer.concat([compressor.update(body), await compressor.finish()])
  },
}

export async function serve(
  start: StartUnaryServer,
  method: BufferMethod | BufferMethod['handle'],
  yaml = '',
): Promise<UnaryServer & AsyncDisposable & { target: string }> {
  const options = configured(serverDefinition, yaml)
  const methods = new Map([[PATH, typeof method === 'function' ? { handle: method } : method]])
  const server = await start(options, { methods, log: quiet })
  const { address } = server
  const target = address.kind === 'tcp' ? `${address.host}:${address.port}` : `unix:${address.path}`
  return { ...server, target, [Symbol.asyncDispose]: () => server.close(AbortSignal.abort()) }
}

export async function connect(make: MakeUnaryClient, yaml: string) {
  const client = await make(configured(clientDefinition, yaml))
  return {
    call: (message: readonly Buffer[], options: Partial<CallOptions> = {}) =>
      client.call(PATH, message, { timeout: 10_000, abort: NEVER, ...options }),
    [Symbol.asyncDispose]: async () => client.close(),
  }
}

export const refusal = async (called: Promise<unknown>): Promise<Refused> => {
  const outcome = await called.catch((error: unknown) => error)
  assert.ok(outcome instanceof Refused, `no refusal: ${String(outcome)}`)
  return outcome
}
