import { GRPC_PATHS, makeUnaryClient, partialSuccess } from '../../plugin.ts'
import type { Exporter, ExporterContext, UnaryClient } from '../../plugin.ts'
import type { OtlpGrpcOptions } from './options.ts'

/** Each batch is one unary call; its bytes are passed on unread. */
export function otlpGrpc({ config }: ExporterContext<OtlpGrpcOptions>): Exporter {
  let client: UnaryClient | undefined
  return {
    async start() {
      client = await makeUnaryClient(config)
    },
    async send(batch, { abort }) {
      if (client === undefined) throw new Error('send was called before start')
      const answer = await client.call(GRPC_PATHS[batch.signal], batch.segments(), { timeout: config.timeout, abort })
      return partialSuccess(answer)
    },
    async stop() {
      client?.close()
    },
  }
}
