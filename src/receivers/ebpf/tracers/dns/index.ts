import type { TracerDefinition } from '../../tracer.ts'
import { DnsTracer } from './dns-tracer.ts'
import { PAYLOAD_BYTES_MAX, PORTS_MAX } from './event.ts'
import type { DnsOptions } from './options.ts'
import { rungs } from './rungs.ts'

/** DNS queries and what became of them. */
export const dns: TracerDefinition<DnsOptions> = {
  name: 'dns',
  rungs,
  signals: () => ['traces', 'metrics'],
  constants: ({ ports, payload, server }) => ({
    ports: bytesOf(Uint16Array.from({ length: PORTS_MAX }, (_, index) => ports[index] ?? 0)),
    payload_bytes: bytesOf(Uint32Array.of(Math.min(payload, PAYLOAD_BYTES_MAX))),
    server: Uint8Array.of(server ? 1 : 0),
  }),
  mapSizes: () => ({}),
  create: (context, options) => new DnsTracer(context, options),
}

const bytesOf = (numbers: Uint16Array | Uint32Array): Uint8Array => new Uint8Array(numbers.buffer)
