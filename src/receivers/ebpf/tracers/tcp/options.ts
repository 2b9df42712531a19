import { Choice, Duration, Options, Type } from '../../../../plugin.ts'
import type { Static } from '../../../../plugin.ts'

export const PEERS = ['none', 'port', 'address'] as const

export const tcpOptions = Options(
  {
    peers: Choice(PEERS, {
      default: 'port',
      description:
        "What metrics say of the other end: nothing, the server's port, or its address as well. A client's port is never among it.",
    }),
    connections: Type.Boolean({
      default: false,
      description: 'Whether each connection becomes a log record when it is closed or has failed.',
    }),
    survey_interval: Duration({
      default: '30s',
      description:
        'How often `/proc` is asked which connections and listening sockets there are, to find those from before and what events were lost of.',
    }),
    max_connections: Type.Integer({
      minimum: 1024,
      maximum: 16_777_216,
      default: 1_048_576,
      description:
        "Connections whose state the kernel keeps: 109 MB of the kernel's memory for the default, allocated at once.",
    }),
  },
  { description: 'TCP connections as metrics, and as log records where that is wanted.' },
)

export type TcpOptions = Static<typeof tcpOptions>
