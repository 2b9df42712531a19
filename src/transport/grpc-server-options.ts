import type { MemoryPart, OptionFault } from '../component/definition.ts'
import { Block, Choice, Duration, Endpoint, Type } from '../component/options.ts'
import type { Static } from '../component/options.ts'
import { grpcServerAuth } from './auth-options.ts'
import { GRPC_TRANSPORTS, listenAddress } from './address.ts'
import { MOST_INFLATED } from './arriving-message.ts'
import { serverMiddlewares } from './middleware-options.ts'
import { faultOf, Ignored } from './option-faults.ts'
import { checkServerTls, serverTls } from './tls-options.ts'

/** The Collector's configgrpc server. Defaults are gRPC's, but for the message size, where OTLP recommends 64 MiB. */
export const grpcServerOptions = (endpoint: string) => ({
  endpoint: Endpoint({ default: endpoint, description: 'Address to listen on, or the path of a unix socket.' }),
  transport: Choice(GRPC_TRANSPORTS, {
    default: 'tcp',
    description:
      'What `endpoint` is an address of. `grpc_js` serves by the library @grpc/grpc-js instead of Telegen’s own HTTP/2, on TCP or, where `endpoint` is a path, on a socket.',
  }),
  tls: serverTls(),
  max_recv_msg_size_mib: Type.Integer({
    default: 64,
    minimum: 0,
    maximum: 1024,
    description:
      'Largest message in MiB, both as sent and once inflated; larger ones are RESOURCE_EXHAUSTED. As sent it has 64 MiB at most, unless `transport` is grpc_js. 0 means the default.',
  }),
  max_concurrent_streams: Type.Integer({
    default: 100,
    minimum: 0,
    description: 'Requests at the same time on one connection. 0 means the default.',
  }),
  max_connections: Type.Integer({
    default: 10_000,
    minimum: 1,
    description: 'Connections open at the same time; further ones are closed at once.',
  }),
  request_timeout: Duration({ default: '1m', description: 'How long a message may take to arrive after its headers.' }),
  keepalive: Block(
    {
      server_parameters: Block(
        {
          max_connection_idle: Duration({
            default: '0s',
            description: 'When a connection without requests is closed; 0 means never.',
          }),
          max_connection_age: Duration({ default: '0s', description: 'When any connection is closed; 0 means never.' }),
          max_connection_age_grace: Duration({
            default: '0s',
            description: 'How long requests may go on after that; 0 means for ever.',
          }),
          time: Duration({ default: '2h', description: 'When to ping a silent client.' }),
          timeout: Duration({ default: '20s', description: 'How long the client may take to answer a ping.' }),
        },
        { description: 'How connections are kept alive and ended.' },
      ),
      enforcement_policy: Block(
        {
          min_time: Duration({
            default: '10s',
            description:
              'How often a client may ping; a connection that does so more often is closed. gRPC clients ask for 10s at least.',
          }),
          permit_without_stream: Type.Boolean({
            default: true,
            description: 'Whether clients may ping while they have no request under way.',
          }),
        },
        { description: 'Which pings of clients are borne.' },
      ),
    },
    { description: 'Keepalive limits.' },
  ),
  include_metadata: Type.Boolean({ default: false, description: 'Whether request metadata goes along with the data.' }),
  read_buffer_size: Ignored('Bytes of the read buffer.'),
  write_buffer_size: Ignored('Bytes of the write buffer.'),
  auth: grpcServerAuth(),
  middlewares: serverMiddlewares(),
})

const grpcServerSchema = Block(grpcServerOptions(''), { description: '' })
export type GrpcServerOptions = Static<typeof grpcServerSchema>

export function* checkGrpcServer(
  options: GrpcServerOptions,
  path: readonly (string | number)[],
): Generator<OptionFault> {
  yield* faultOf([...path, 'endpoint'], () => listenAddress(options.endpoint, options.transport))
  yield* checkServerTls(options.tls, [...path, 'tls'])
}

/** What a server takes that no limit knows of (`beforeLimits`). */
export const grpcBeforeLimits = (): MemoryPart => ({
  bytes: MOST_INFLATED,
  what: 'gRPC messages that are arriving or being inflated',
})
