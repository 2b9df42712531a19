import { addressText } from '../../socket/address.ts'

/** The two ends of a connection, or the one of a socket that listens. Addresses are bytes in a string: 4 or 16. */
export interface Ends {
  /** Inode of the network namespace. */
  readonly network: number
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

const MAPPED = `${'\0'.repeat(10)}\u00ff\u00ff`

/** An IPv4 address that a socket of IPv6 has is an IPv4 address. */
export const plainAddress = (bytes: string, isVersion6: boolean): string =>
  !isVersion6 ? bytes.slice(0, 4) : bytes.startsWith(MAPPED) ? bytes.slice(12) : bytes

/** Unique among the connections that there are at a time. */
export const connectionKey = ({ network, localAddress, localPort, remoteAddress, remotePort }: Ends): string =>
  `${network}/${localPort}/${remotePort}/${localAddress}${remoteAddress}`

/** The same for all sockets that listen at one place. */
export const listeningKey = ({ network, localAddress, localPort }: Ends): string =>
  `${network}/${localPort}/${localAddress}`

export const isVersion6 = (address: string): boolean => address.length > 4

export const textOf = (address: string): string => addressText(address, 0, isVersion6(address))
