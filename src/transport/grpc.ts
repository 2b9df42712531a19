import type { MakeUnaryClient, StartUnaryServer } from './unary.ts'

/** The implementation in use, loaded when somebody needs it: it takes 0.1 s. */
export const startUnaryServer: StartUnaryServer = async (options, serving) =>
  options.transport === 'grpc_js'
    ? (await import('./grpc-server.ts')).startGrpcServer(options, serving)
    : (await import('./http2/server.ts')).startHttp2Server(options, serving)

export const makeUnaryClient: MakeUnaryClient = async (options, surroundings) =>
  options.transport === 'grpc_js'
    ? (await import('./grpc-client.ts')).makeGrpcClient(options, surroundings)
    : (await import('./http2/client/client.ts')).makeHttp2Client(options, surroundings)

/** What a component that serves gRPC by itself needs against floods. */
export const loadSessionGuard = () => import('./guard-sessions.ts')
