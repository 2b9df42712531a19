import type { TracerDefinition } from '../../tracer.ts'
import { HttpTracer } from './http-tracer.ts'
import type { HttpTracerOptions } from './options.ts'
import { SOCKET_RUNGS, socketConstants, socketMapSizes } from './rungs.ts'

/** The kernel's side remembers all TCP connections, to know which are of HTTP. */
const ALL_PER_HTTP = 4

const http: TracerDefinition<HttpTracerOptions> = {
  name: 'http',
  rungs: SOCKET_RUNGS,
  signals: ({ server, client }) => (server || client ? ['traces', 'metrics'] : []),
  constants: ({ head_bytes }) => socketConstants(head_bytes),
  mapSizes: ({ connections }) => socketMapSizes(connections * ALL_PER_HTTP),
  create: (context, options) => new HttpTracer(context, options),
}
export default http
