import { ServerAuthentication } from '../../plugin.ts'
import type { Log, ReceiverContext, Refused, ServerAuthenticator } from '../../plugin.ts'

/** Who may come in over one protocol, and who hears of those who may not. */
export interface Guard {
  readonly log: Log
  readonly authenticator: ServerAuthenticator | undefined
  readonly rejected: (refused: Refused) => void
}

export function guard(
  context: ReceiverContext,
  transport: 'grpc' | 'http',
  auth: { readonly authenticator: string } | undefined,
): Guard {
  const { id, log, meter } = context
  const counter = meter.counter('telegen.receiver.rejected.requests', {
    unit: '{request}',
    description: 'Requests that the authenticator refused, before their body was read.',
  })
  return {
    log,
    authenticator: auth && context.extension(ServerAuthentication, auth.authenticator),
    rejected: ({ code }) => counter.add(1, { receiver: id, transport, 'error.type': code }),
  }
}
