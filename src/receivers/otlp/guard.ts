import { limiterOf, RequestLimiting, ServerAuthentication } from '../../plugin.ts'
import type { Log, ReceiverContext, Refused, RequestLimiter, ServerAuthenticator } from '../../plugin.ts'
import type { GrpcOptions } from './options.ts'

/** Who may come in over one protocol, and who hears of those who may not. */
export interface Guard {
  readonly log: Log
  readonly authenticator: ServerAuthenticator | undefined
  readonly limiter: RequestLimiter | undefined
  readonly rejected: (refused: Refused) => void
}

export function guard(
  context: ReceiverContext,
  transport: 'grpc' | 'http',
  { auth, middlewares }: Pick<GrpcOptions, 'auth' | 'middlewares'>,
): Guard {
  const { id, log, meter } = context
  const counter = meter.counter('telegen.receiver.rejected.requests', {
    unit: '{request}',
    description:
      'Requests that the authenticator or a limiter refused, before their body was read, and clients cut off for their certificates.',
  })
  return {
    log,
    authenticator: auth && context.extension(ServerAuthentication, auth.authenticator),
    limiter: limiterOf(middlewares.map((each) => context.extension(RequestLimiting, each.id))),
    rejected: ({ code }) => counter.add(1, { receiver: id, transport, 'error.type': code }),
  }
}
