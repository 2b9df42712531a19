import { pidOf, tidOf, timeOf, unsigned64 } from '../../event.ts'
import { addressText } from '../../socket/address.ts'
import { ADDRESS_BYTES, AF_INET6, DIRECTION_OUT, DNS_MESSAGE, IPPROTO_TCP, NAME_BYTES } from './event.ts'

/** Who sent what to whom: what stands around a message. */
export interface Packet {
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly time: number
  readonly pid: number
  readonly tid: number
  /** `comm`. */
  readonly name: string
  readonly socket: number
  readonly isOut: boolean
  readonly isServer: boolean
  readonly transport: 'tcp' | 'udp'
  readonly networkType: 'ipv4' | 'ipv6'
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

/** Of an event whose size was looked at. Bytes may be anything. */
export function readPacket(buffer: Buffer, at: number): Packet {
  const isVersion6 = buffer[at + DNS_MESSAGE.family] === AF_INET6
  return {
    time: timeOf(buffer, at),
    pid: pidOf(buffer, at),
    tid: tidOf(buffer, at),
    name: nameAt(buffer, at + DNS_MESSAGE.name),
    socket: unsigned64(buffer, at + DNS_MESSAGE.socket),
    isOut: buffer[at + DNS_MESSAGE.direction] === DIRECTION_OUT,
    isServer: buffer[at + DNS_MESSAGE.server] === 1,
    transport: buffer[at + DNS_MESSAGE.transport] === IPPROTO_TCP ? 'tcp' : 'udp',
    networkType: isVersion6 ? 'ipv6' : 'ipv4',
    localAddress: addressAt(buffer, at + DNS_MESSAGE.local_address, isVersion6),
    localPort: buffer.readUInt16LE(at + DNS_MESSAGE.local_port),
    remoteAddress: addressAt(buffer, at + DNS_MESSAGE.remote_address, isVersion6),
    remotePort: buffer.readUInt16LE(at + DNS_MESSAGE.remote_port),
  }
}

const addressAt = (buffer: Buffer, at: number, isVersion6: boolean): string =>
  addressText(buffer.toString('latin1', at, at + ADDRESS_BYTES), 0, isVersion6)

function nameAt(buffer: Buffer, at: number): string {
  const end = buffer.indexOf(0, at)
  return buffer.toString('utf8', at, end < 0 || end > at + NAME_BYTES ? at + NAME_BYTES : end)
}
