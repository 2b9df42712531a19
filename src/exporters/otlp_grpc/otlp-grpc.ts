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
    // No async function: for each small request it would cost as much as everything else here.
    send(batch, { cancellation, origin }) {
      if (client === undefined) return Promise.reject(new Error('send was called before start'))
      const options = { timeout: config.timeout, abort: cancellation, origin }
      return client.call(GRPC_PATHS[batch.signal], batch.segments(), options).then(partialSuccess)
    },
    async stop() {
      client?.close()
    },
  }
}
