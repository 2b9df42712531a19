import { Block, Choice, grpcServerOptions, httpServerOptions, Options, Type } from '../../plugin.ts'
import type { Static } from '../../plugin.ts'

const urlPath = (signal: string) =>
  Type.String({ default: `/v1/${signal}`, description: `Path that ${signal} are posted to.` })

const grpc = Options(grpcServerOptions('localhost:4317'), { description: 'OTLP over gRPC.' })
const http = Options(
  {
    ...httpServerOptions('localhost:4318'),
    traces_url_path: urlPath('traces'),
    metrics_url_path: urlPath('metrics'),
    logs_url_path: urlPath('logs'),
  },
  { description: 'OTLP over HTTP, as protobuf or JSON.' },
)

export const options = Options({
  protocols: Block(
    { grpc: Type.Optional(grpc), http: Type.Optional(http) },
    { description: 'What to listen for; each protocol that is named is on.' },
  ),
  acknowledge: Choice(['auto', 'accepted', 'durable', 'delivered'], {
    default: 'auto',
    description:
      'How safe data must be before senders are told that it was taken: in memory, on disk, or at the backend. auto: on disk where every queue behind is, otherwise in memory.',
  }),
})

export type OtlpOptions = Static<typeof options>
export type GrpcOptions = NonNullable<OtlpOptions['protocols']['grpc']>
export type HttpOptions = NonNullable<OtlpOptions['protocols']['http']>
