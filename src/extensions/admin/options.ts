import { isIP } from 'node:net'
import {
  checkServerTls,
  Choice,
  Endpoint,
  faultOf,
  httpServerAuth,
  listenAddress,
  listens,
  Options,
  serverTls,
  StringList,
  Type,
} from '../../plugin.ts'
import type { ListenAddress, OptionFault, Static } from '../../plugin.ts'

export const options = Options({
  endpoint: Endpoint({
    default: 'localhost:13134',
    description: 'Where to listen: `host:port`, or the path of a unix socket.',
  }),
  transport: Choice(['tcp', 'unix'], { default: 'tcp', description: 'What `endpoint` is an address of.' }),
  tls: serverTls(),
  auth: httpServerAuth(),
  hosts: StringList({
    default: [],
    description: 'Names under which it may be asked for, besides localhost, addresses and the host of `endpoint`.',
  }),
  allow_unprotected: Type.Boolean({
    default: false,
    description:
      'Whether other machines may reach it without `tls` and `auth`: whoever does can read the data and stop the flow.',
  }),
})
export type AdminConfig = Static<typeof options>

export function* faults(config: AdminConfig): Iterable<OptionFault> {
  const { endpoint, transport, tls, auth, allow_unprotected: allowed } = config
  yield* faultOf(['endpoint'], () => listenAddress(endpoint, transport))
  yield* checkServerTls(tls, ['tls'])
  if (listening(config).length === 0 || allowed || (tls && auth) || isLocal(listenAddress(endpoint, transport))) return
  yield {
    path: ['endpoint'],
    message: `"${endpoint}" can be reached from other machines, and this endpoint shows data and controls Telegen`,
    hint: 'listen on localhost, or write tls and auth, or allow_unprotected: true where the network itself keeps others out',
  }
}

export const listening = ({ endpoint, transport }: AdminConfig): string[] => listens({ endpoint, transport })

/** Whether only this machine can connect: then its users are trusted, as those who may read its sockets are. */
export function isLocal(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true
  const { host } = address
  return host === 'localhost' || (isIP(host) === 4 && host.startsWith('127.')) || host === '::1'
}
