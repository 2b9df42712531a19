import type { TracerDefinition } from '../../tracer.ts'
import type { TcpOptions } from './options.ts'
import { rungs } from './rungs.ts'
import { TcpTracer } from './tcp-tracer.ts'

/** TCP connections and listening sockets. */
export const tcp: TracerDefinition<TcpOptions> = {
  name: 'tcp',
  rungs,
  signals: ({ connections }) => (connections ? ['metrics', 'logs'] : ['metrics']),
  constants: () => ({}),
  mapSizes: ({ max_connections: connections }) => ({ connections }),
  counters: [{ name: 'connection_from_before', lost: false }],
  create: (context, options) => new TcpTracer(context, options),
}
