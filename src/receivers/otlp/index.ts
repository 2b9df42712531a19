import {
  checkGrpcServer,
  checkHttpServer,
  defineReceiver,
  grpcBeforeLimits,
  inspectTls,
  listens,
} from '../../plugin.ts'
import { options } from './options.ts'
import { otlp } from './otlp.ts'

export default defineReceiver({
  type: 'otlp',
  summary: 'Takes OTLP in over gRPC and HTTP.',
  stability: { traces: 'beta', metrics: 'beta', logs: 'beta', profiles: 'development' },
  scale: 'replica',
  config: options,
  *check({ protocols: { grpc, http } }) {
    if (!grpc && !http)
      yield {
        path: [],
        message: 'must specify at least one protocol when using the OTLP receiver',
        hint: 'add `protocols: { grpc: , http: }`',
      }
    if (grpc) yield* checkGrpcServer(grpc, ['protocols', 'grpc'])
    if (http) yield* checkHttpServer(http, ['protocols', 'http'])
  },
  *inspect({ protocols: { grpc, http } }) {
    yield* inspectTls(grpc?.tls, ['protocols', 'grpc', 'tls'])
    yield* inspectTls(http?.tls, ['protocols', 'http', 'tls'])
  },
  listens: ({ protocols: { grpc, http } }) => listens(grpc, http),
  beforeLimits: ({ protocols: { grpc } }) => (grpc ? [grpcBeforeLimits()] : []),
  create: otlp,
})
