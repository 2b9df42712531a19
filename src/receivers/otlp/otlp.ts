import { receive } from '../../plugin.ts'
import type { HttpServer, Receiver, ReceiverContext, UnaryServer } from '../../plugin.ts'
import { guard } from './guard.ts'
import { Intake } from './intake.ts'
import { serveGrpc } from './grpc.ts'
import { serveHttp } from './http.ts'
import type { OtlpOptions } from './options.ts'

type Server = HttpServer | UnaryServer

/** One server for each protocol, for all signals that the receiver stands in a pipeline for. */
export function otlp(context: ReceiverContext<OtlpOptions>): Receiver {
  const { config, ingress } = context
  const { grpc, http } = config.protocols
  const intake = new Intake(ingress)
  return receive<readonly Server[]>({
    open: () =>
      allOrNone([
        ...(grpc ? [() => serveGrpc(grpc, intake, guard(context, 'grpc', grpc))] : []),
        ...(http ? [() => serveHttp(http, intake, guard(context, 'http', http))] : []),
      ]),
    deliveries: () => intake.deliveries,
    close(servers, deadline) {
      intake.stop()
      return closeAll(servers, deadline)
    },
  })
}

/** Where one server cannot start, those before it are closed again. */
async function allOrNone(starts: readonly (() => Promise<Server>)[]): Promise<readonly Server[]> {
  const servers: Server[] = []
  try {
    for (const start of starts) servers.push(await start())
    return servers
  } catch (error) {
    await closeAll(servers, AbortSignal.abort())
    throw error
  }
}

async function closeAll(servers: readonly Server[], deadline: AbortSignal): Promise<void> {
  await Promise.all(servers.map((server) => server.close(deadline)))
}
