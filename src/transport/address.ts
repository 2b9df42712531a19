import { faultOf } from './option-faults.ts'

/** Where a server listens, as parsed from `endpoint` and `transport`. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly family: 0 | 4 | 6 }
  | { readonly kind: 'unix'; readonly path: string }

export const TRANSPORTS = ['tcp', 'tcp4', 'tcp6', 'unix'] as const
/** gRPC over @grpc/grpc-js instead of our own HTTP/2, on TCP, or on a socket where the endpoint is a path. */
export const GRPC_TRANSPORTS = [...TRANSPORTS, 'grpc_js'] as const
export type Transport = (typeof GRPC_TRANSPORTS)[number]

const HOST_PORT = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]*)):(\d{1,5})$/

/** Splits `host:port`, `[::1]:port` or `:port`. Throws a sentence that names what is wrong. */
export function parseHostPort(endpoint: string): { readonly host: string; readonly port: number } {
  const match = HOST_PORT.exec(endpoint)
  if (!match) {
    if (!endpoint.includes(':')) throw new Error(`address ${endpoint}: missing port in address`)
    throw new Error(`"${endpoint}" is not an address of the form host:port`)
  }
  const port = Number(match[3])
  if (port > 65535) throw new Error(`address ${endpoint}: invalid port "${match[3]}"`)
  return { host: match[1] ?? match[2] ?? '', port }
}

/** Throws a sentence where `endpoint` is no address. */
export function listenAddress(endpoint: string, transport: Transport): ListenAddress {
  if (endpoint === '') throw new Error('requires a non-empty "endpoint"')
  if (transport === 'unix') return { kind: 'unix', path: endpoint }
  if (transport === 'grpc_js' && PATH.test(endpoint)) return { kind: 'unix', path: endpoint.replace(UNIX, '') }
  const { host, port } = parseHostPort(endpoint)
  return { kind: 'tcp', host, port, family: transport === 'tcp4' ? 4 : transport === 'tcp6' ? 6 : 0 }
}

const UNIX = /^unix:(?:\/\/)?/
const PATH = /^(?:\/|unix:)/

/** What a definition's `listens` says of servers: `tcp://localhost:4317`, `unix:/run/otlp.sock`. An endpoint that is none is `check`'s to report. */
export function listens(...servers: readonly ({ endpoint: string; transport: Transport } | undefined)[]): string[] {
  return servers.flatMap((server) => {
    if (server === undefined || [...faultOf([], () => listenAddress(server.endpoint, server.transport))].length > 0)
      return []
    return [addressText(listenAddress(server.endpoint, server.transport))]
  })
}

/** As `listens` gives it. */
export const addressText = (address: ListenAddress): string =>
  address.kind === 'unix' ? `unix:${address.path}` : `tcp://${hostPort(address.host, address.port)}`

export const hostPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
