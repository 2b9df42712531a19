import { ByteSize, Duration, Options, Type } from '../../../../plugin.ts'
import type { Static } from '../../../../plugin.ts'
import { PAYLOAD_BYTES, PAYLOAD_BYTES_MAX, PORTS_MAX } from './event.ts'

export const dnsOptions = Options(
  {
    ports: Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), {
      minItems: 1,
      maxItems: PORTS_MAX,
      default: [53],
      description: `Ports that servers are asked at, ${PORTS_MAX} at most.`,
    }),
    payload: ByteSize({
      minimum: 64,
      default: PAYLOAD_BYTES,
      description: `Bytes of each message that are looked at, ${PAYLOAD_BYTES_MAX} at most. Answers behind them are counted, not read.`,
    }),
    timeout: Duration({
      default: '5s',
      description: 'A query that has no response for so long since it was sent last is unanswered.',
    }),
    server: Type.Boolean({
      default: false,
      description: 'Whether the side that is asked gets spans as well, of kind server.',
    }),
    question_names: Type.Boolean({
      default: false,
      description: 'Whether metrics have the name that was asked for: a series for each.',
    }),
  },
  { description: 'DNS queries as spans and metrics.' },
)

export type DnsOptions = Static<typeof dnsOptions>
