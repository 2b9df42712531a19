import {
  AF_INET,
  AF_INET6,
  EVENT_TCP_OPENED,
  ROLE_OPENED,
  TCP_EVENT,
  TCP_EVENT_BYTES,
  TCP_OWNER_GUESSED,
} from '../../../../src/receivers/ebpf/tracers/tcp/event.ts'

export interface WireChange {
  readonly type?: number
  readonly time?: number
  readonly pid?: number
  readonly name?: string
  readonly isGuess?: boolean
  readonly began?: number
  readonly role?: number
  readonly state?: number
  readonly error?: number
  readonly sent?: number
  readonly received?: number
  readonly srtt?: number
  readonly retransmits?: number
  readonly network?: number
  readonly localPort?: number
  readonly remotePort?: number
  /** 16 bytes of each end; without it, 127.0.0.1 and 192.0.2.1. */
  readonly version6?: readonly [Buffer, Buffer]
}

/** An event, as the programs write it. */
export function wireChange(change: WireChange): Buffer {
  const event = Buffer.alloc(TCP_EVENT_BYTES)
  event.writeUInt16LE(change.type ?? EVENT_TCP_OPENED, 0)
  event.writeUInt16LE(1, 2)
  event.writeUInt32LE(event.length, 4)
  event.writeBigUInt64LE(BigInt(change.time ?? 1000), 8)
  event.writeUInt32LE(change.pid ?? 7, 16)
  event.writeBigUInt64LE(BigInt(change.began ?? 1000), TCP_EVENT.began)
  event.writeBigUInt64LE(BigInt(change.sent ?? 0), TCP_EVENT.sent)
  event.writeBigUInt64LE(BigInt(change.received ?? 0), TCP_EVENT.received)
  event.writeUInt32LE(change.srtt ?? 0, TCP_EVENT.srtt)
  event.writeUInt32LE(change.retransmits ?? 0, TCP_EVENT.retransmits)
  event.writeUInt32LE(change.network ?? 1, TCP_EVENT.network)
  event.writeUInt32LE(change.error ?? 0, TCP_EVENT.error)
  event.writeUInt16LE(change.localPort ?? 40_000, TCP_EVENT.local_port)
  event.writeUInt16LE(change.remotePort ?? 80, TCP_EVENT.remote_port)
  event[TCP_EVENT.family] = change.version6 ? AF_INET6 : AF_INET
  event[TCP_EVENT.role] = change.role ?? ROLE_OPENED
  event[TCP_EVENT.state] = change.state ?? 1
  event[TCP_EVENT.flags] = change.isGuess ? TCP_OWNER_GUESSED : 0
  const [local, remote] = change.version6 ?? [Buffer.from([127, 0, 0, 1]), Buffer.from([192, 0, 2, 1])]
  local.copy(event, TCP_EVENT.local_address)
  remote.copy(event, TCP_EVENT.remote_address)
  event.write(change.name ?? 'client', TCP_EVENT.name, 'latin1')
  return event
}
