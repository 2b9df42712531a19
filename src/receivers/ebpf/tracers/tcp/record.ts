import type { LogFields } from '../../../../plugin.ts'
import type { Change } from './change.ts'
import { isVersion6, textOf } from './ends.ts'

const INFO = 9
const WARN = 13
const NANOSECONDS_PER_SECOND = 1_000_000_000
const MICROSECONDS_PER_SECOND = 1_000_000

/** Names of the kernel's states, by number. */
const STATES = [
  'NONE',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
]

export interface About {
  readonly isServer: boolean
  readonly error: string | undefined
  /** Undefined where it was never established. */
  readonly end: string | undefined
  readonly wall: bigint
}

/** A log record of a connection's whole life. */
export function connectionRecord(change: Change, { isServer, error, end, wall }: About): LogFields {
  const { localAddress, localPort, remoteAddress, remotePort, began } = change
  const isWhole = end !== undefined && began > 0
  return {
    time: wall,
    observedTime: wall,
    severity: error === undefined ? INFO : WARN,
    severityText: error === undefined ? 'INFO' : 'WARN',
    eventName: end === undefined ? 'tcp.connection.failed' : 'tcp.connection.closed',
    body: sentence(change, isServer, error, end),
    attributes: {
      'network.transport': 'tcp',
      'network.type': isVersion6(remoteAddress) ? 'ipv6' : 'ipv4',
      'network.local.address': textOf(localAddress),
      'network.local.port': localPort,
      'network.peer.address': textOf(remoteAddress),
      'network.peer.port': remotePort,
      'tcp.role': isServer ? 'server' : 'client',
      'tcp.state': STATES[change.state],
      'tcp.end': end,
      'tcp.connection.duration': began > 0 ? Math.max(0, change.time - began) / NANOSECONDS_PER_SECOND : undefined,
      'tcp.bytes_sent': isWhole ? change.sent : undefined,
      'tcp.bytes_received': isWhole ? change.received : undefined,
      'tcp.rtt': change.roundTrip > 0 ? change.roundTrip / MICROSECONDS_PER_SECOND : undefined,
      'tcp.retransmits': change.retransmits,
      'error.type': error,
    },
  }
}

function sentence(change: Change, isServer: boolean, error: string | undefined, end: string | undefined): string {
  const peer = `${textOf(change.remoteAddress)} port ${change.remotePort}`
  if (end === undefined) return `Connection to ${peer} failed: ${error}`
  return `Connection ${isServer ? 'from' : 'to'} ${peer} closed: ${end}${error === undefined ? '' : ` (${error})`}`
}
