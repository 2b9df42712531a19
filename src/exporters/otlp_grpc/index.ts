import { checkGrpcClient, defineExporter, inspectTls } from '../../plugin.ts'
import { options } from './options.ts'
import { otlpGrpc } from './otlp-grpc.ts'

export default defineExporter({
  type: 'otlp_grpc',
  aliases: ['otlp'],
  summary: 'Sends OTLP over gRPC.',
  stability: { traces: 'beta', metrics: 'beta', logs: 'beta', profiles: 'development' },
  scale: 'replica',
  config: options,
  check: (config) => checkGrpcClient(config),
  inspect: ({ tls }) => inspectTls(tls, ['tls']),
  forwards: true,
  create: otlpGrpc,
})
