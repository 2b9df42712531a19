import { ClientAuthentication, GRPC_PATHS, makeUnaryClient, partialSuccess } from '../../plugin.ts'
import type { Exporter, ExporterContext, UnaryClient } from '../../plugin.ts'
import type { OtlpGrpcOptions } from './options.ts'

/** Each batch is one unary call; its bytes are passed on unread. */
export function otlpGrpc(context: ExporterContext<OtlpGrpcOptions>): Exporter {
  const { config, log } = context
  let client: UnaryClient | undefined
  return {
    async start() {
      const authenticator = config.auth && context.extension(ClientAuthentication, config.auth.authenticator)
      client = await makeUnaryClient(config, { authenticator, log })
    },
    async send(batch, { cancellation, origin }) {
      if (client === undefined) throw new Error('send was called before start')
      const { timeout } = config
      const answer = await client.call(GRPC_PATHS[batch.signal], batch.segments(), {
        timeout,
        abort: cancellation,
        origin,
      })
      return partialSuccess(answer)
    },
    async stop() {
      client?.close()
    },
  }
}
