/** A backend in a process of its own: takes every OTLP export over gRPC and tells its parent how many it has had. Argument: the port. */
import * as grpc from '@grpc/grpc-js'

const TELLING_MS = 20
const MESSAGE_LIMIT = 64 * 2 ** 20
const [port = ''] = process.argv.slice(2)
const bytes = (value: Buffer): Buffer => value

let taken = 0
const server = new grpc.Server({ 'grpc.max_receive_message_length': MESSAGE_LIMIT })
const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const taking: grpc.handleUnaryCall<Buffer, Buffer> = (_call, respond) => {
  taken++
  respond(null, Buffer.alloc(0))
}
server.register(path, taking, bytes, bytes, 'unary')
server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
  let told = -1
  setInterval(() => {
    if (told === taken) return
    told = taken
    process.send?.(taken)
  }, TELLING_MS)
})
process.on('disconnect', () => process.exit(0))
