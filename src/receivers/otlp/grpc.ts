import { GRPC_PATHS, startUnaryServer } from '../../plugin.ts'
import type { Origin, Signal, SlabMethod, UnaryCall, UnaryServer } from '../../plugin.ts'
import type { Guard } from './guard.ts'
import type { Intake } from './intake.ts'
import type { GrpcOptions } from './options.ts'

/** OTLP over gRPC: one method for each signal that the receiver has a pipeline for, the others are UNIMPLEMENTED. */
export function serveGrpc(
  options: GrpcOptions,
  intake: Intake,
  { log, authenticator, limiter, rejected }: Guard,
): Promise<UnaryServer> {
  const methods = new Map(
    intake.signals.map((signal) => [GRPC_PATHS[signal], otlpMethod(signal, intake, limiter, options.include_metadata)]),
  )
  return startUnaryServer(options, { methods, log, authenticator, limiter, onRejected: rejected })
}

export function otlpMethod(
  signal: Signal,
  intake: Intake,
  limiter: Guard['limiter'],
  includeMetadata: boolean,
): SlabMethod {
  const originOf = origins(includeMetadata)
  return {
    refuse: () => intake.closed(signal),
    room: (bytes, all, call) =>
      intake.waits(signal) ? intake.room(signal, bytes, all, call.abort) : intake.roomNow(signal, bytes, all),
    reserve: (bytes) => intake.reserve(signal, bytes),
    take(message, call) {
      if (message.length === 0) {
        message.slab.release()
        return TAKEN
      }
      const counted = limiter && ((items: number) => limiter.took(call, { items }))
      try {
        return intake.take(signal, message, originOf(call), call, counted) ?? TAKEN
      } catch (error) {
        return Promise.reject(error)
      }
    },
  }
}

/** For all that are taken at once, as most are. An `Export…ServiceResponse` without a partial success has no bytes: nothing is answered. */
const TAKEN = Promise.resolve()

const NO_METADATA: Origin['metadata'] = new Map()

/** Where nothing of the request goes along, all requests of a connection have the same origin. */
function origins(includeMetadata: boolean): (call: UnaryCall) => Origin {
  let last: Origin = { metadata: NO_METADATA, transport: 'grpc' }
  return ({ metadata, peer, auth }) => {
    if (includeMetadata || auth)
      return { metadata: includeMetadata ? metadata : NO_METADATA, peer, transport: 'grpc', ...(auth && { auth }) }
    if (last.peer !== peer) last = { metadata: NO_METADATA, peer, transport: 'grpc' }
    return last
  }
}
