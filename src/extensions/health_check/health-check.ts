import { ServerAuthentication, startHttpServer } from '../../plugin.ts'
import type { Extension, ExtensionContext, HttpServer, ServerAuthenticator } from '../../plugin.ts'
import { Answers } from './answers.ts'
import { startGrpcHealth } from './grpc-health.ts'
import type { GrpcHealth } from './grpc-health.ts'
import { isSecond, UNUSED } from './options.ts'
import type { HealthOptions } from './options.ts'
import { Health } from './status-report.ts'

export interface HealthCheck extends Extension {
  /** Where it listens, once started: a test asks for any free port. */
  readonly ports: { readonly http: number | undefined; readonly grpc: number | undefined }
}

/** Answers over HTTP and gRPC how the whole is. */
export function healthCheck(context: ExtensionContext<HealthOptions>): HealthCheck {
  const { config, host, log } = context
  const health = new Health(host, config.component_health)
  const serving = isSecond(config) ? config.http : config
  let http: HttpServer | undefined
  let grpc: GrpcHealth | undefined
  const authenticatorOf = (auth: { readonly authenticator: string } | undefined): ServerAuthenticator | undefined =>
    auth && context.extension(ServerAuthentication, auth.authenticator)
  return {
    get ports() {
      return { http: portOf(http), grpc: portOf(grpc) }
    },
    async start() {
      if (serving) {
        const answers = new Answers(context, health)
        const authenticator = authenticatorOf(serving.auth)
        const handle = answers.answer.bind(answers)
        http = await startHttpServer({ ...serving, ...UNUSED }, { handle, log, authenticator })
      }
      if (config.grpc)
        grpc = await startGrpcHealth(config.grpc, context, health, authenticatorOf(config.grpc.auth)).catch(
          async (error: unknown) => {
            await http?.close(AbortSignal.abort())
            throw error
          },
        )
    },
    async stop() {
      // Who asks now learns nothing that he does not learn by the end of the connection.
      await Promise.all([http?.close(AbortSignal.abort()), grpc?.close()])
    },
  }
}

const portOf = (server: HttpServer | GrpcHealth | undefined): number | undefined =>
  server?.address.kind === 'tcp' ? server.address.port : undefined
