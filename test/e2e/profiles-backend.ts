import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import * as grpc from '@grpc/grpc-js'

/** Written out, as the specification has them: nothing of Telegen's is its own judge. */
export const GRPC_METHOD = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export'
export const HTTP_PATH = '/v1development/profiles'

const same = (bytes: Buffer) => bytes
const LARGEST = 64 * 2 ** 20

/** Takes profiles over gRPC and over HTTP, and keeps the bytes of every request. */
export class ProfilesBackend {
  readonly overGrpc: Buffer[] = []
  readonly overHttp: Buffer[] = []
  /** Requests to another path than that of profiles. */
  readonly astray: string[] = []
  grpcPort = 0
  readonly #grpc = new grpc.Server({ 'grpc.max_receive_message_length': LARGEST })
  readonly #http = createServer()

  static async open(): Promise<ProfilesBackend> {
    const backend = new ProfilesBackend()
    await backend.#listen()
    return backend
  }

  get httpPort(): number {
    return (this.#http.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#grpc.forceShutdown()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  async #listen(): Promise<void> {
    const take: grpc.handleUnaryCall<Buffer, Buffer> = ({ request }, answer) => {
      this.overGrpc.push(request)
      answer(null, Buffer.alloc(0))
    }
    this.#grpc.register(GRPC_METHOD, take, same, same, 'unary')
    this.#http.on('request', async (request, answer) => {
      const body = Buffer.concat((await request.toArray()) as Buffer[])
      if (request.url !== HTTP_PATH) this.astray.push(`${request.method} ${request.url}`)
      this.overHttp.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
      answer.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
    this.grpcPort = await new Promise((resolve, reject) =>
      this.#grpc.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    )
  }
}
