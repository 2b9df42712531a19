import type { Traffic } from './findings.ts'
import type { Seen } from './telemetry.ts'

const CLOSED = 'tcp.connection.closed'
const FAILED = 'tcp.connection.failed'

/** Each connection has one record at either end, which agree on what was moved; the one that was refused has one. */
export function judgeConnections(records: readonly Seen[], { connections, refused, calls }: Traffic): string[] {
  return [
    ...connections.flatMap(({ port, count }) => {
      const clients = ofRole(records, 'client', 'network.peer.port', port)
      const servers = ofRole(records, 'server', 'network.local.port', port)
      const counts = [clients.length, servers.length]
      if (counts.some((each) => each !== count))
        return [`port ${port}: records of clients and servers are ${counts.join(' and ')} and not ${count} each`]
      const pids = new Set(calls.filter((call) => call.port === port).map(({ client }) => client))
      return clients.flatMap((client) => [
        ...(pids.has(client.pid as number) ? [] : [`port ${port}: nobody with the pid ${client.pid} connected`]),
        ...disagreement(client, servers),
      ])
    }),
    ...judgeRefusal(records, refused),
  ]
}

const ofRole = (records: readonly Seen[], role: string, end: string, port: number): Seen[] =>
  records.filter(({ kind, attributes: at }) => kind === CLOSED && at['tcp.role'] === role && at[end] === port)

function disagreement({ attributes: client }: Seen, servers: readonly Seen[]): string[] {
  const port = client['network.local.port']
  const server = servers.find(({ attributes }) => attributes['network.peer.port'] === port)?.attributes
  if (!server) return [`the connection from port ${String(port)} has no record of its server`]
  const [sent, received] = [client['tcp.bytes_sent'], server['tcp.bytes_received']]
  const [back, gotBack] = [server['tcp.bytes_sent'], client['tcp.bytes_received']]
  if (sent === received && back === gotBack && Number(sent) > 0 && Number(back) > 0) return []
  const bytes = `${String(sent)} and ${String(received)}, ${String(back)} and ${String(gotBack)}`
  return [`the connection from port ${String(port)}: bytes sent and received are ${bytes}`]
}

function judgeRefusal(records: readonly Seen[], { pid, port }: Traffic['refused']): string[] {
  const failed = records.filter(({ kind, attributes: at }) => kind === FAILED && at['network.peer.port'] === port)
  const [record] = failed
  if (!record || failed.length > 1) return [`port ${port}: ${failed.length} records of failure, and not 1`]
  const { 'error.type': error } = record.attributes
  return [
    ...(error === 'ECONNREFUSED' ? [] : [`port ${port}: error.type is ${String(error)}`]),
    ...(record.pid === pid ? [] : [`port ${port}: the pid is ${record.pid} and not ${pid}`]),
  ]
}
