import type { MakeUnaryClient, StartUnaryServer } from './unary.ts'

/** The implementation in use, loaded when somebody needs it: it takes 0.1 s. */
export const startUnaryServer: StartUnaryServer = async (options, methods, log) =>
  (await import('./grpc-server.ts')).startGrpcServer(options, methods, log)

export const makeUnaryClient: MakeUnaryClient = async (options) =>
  (await import('./grpc-client.ts')).makeGrpcClient(options)
