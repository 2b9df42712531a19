import { GRPC_PATHS, startUnaryServer } from '../../plugin.ts'
import type { Origin, Signal, SlabMethod, UnaryCall, UnaryServer } from '../../plugin.ts'
import type { Guard } from './guard.ts'
import type { Intake } from './intake.ts'
import type { GrpcOptions } from './options.ts'

/** An `Export…ServiceResponse` without a partial success has no bytes. */
const SUCCESS = Buffer.alloc(0)

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

export const otlpMethod = (
  signal: Signal,
  intake: Intake,
  limiter: Guard['limiter'],
  includeMetadata: boolean,
): SlabMethod => ({
  refuse: () => intake.closed(signal),
  room: (bytes, all, call) =>
    intake.waits(signal) ? intake.room(signal, bytes, all, call.abort) : intake.roomNow(signal, bytes, all),
  reserve: (bytes) => intake.reserve(signal, bytes),
  async take(message, call) {
    const counted = (items: number) => limiter?.took(call, { items })
    if (message.length > 0) await intake.take(signal, message, originOf(call, includeMetadata), call.abort, counted)
    else message.slab.release()
    return SUCCESS
  },
})

const NO_METADATA: Origin['metadata'] = new Map()

const originOf = ({ metadata, peer, auth }: UnaryCall, includeMetadata: boolean): Origin => ({
  metadata: includeMetadata ? metadata : NO_METADATA,
  peer,
  transport: 'grpc',
  ...(auth && { auth }),
})
