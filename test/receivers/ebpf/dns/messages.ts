import {
  AF_INET,
  AF_INET6,
  DIRECTION_IN,
  DIRECTION_OUT,
  DNS_MESSAGE,
  DNS_MESSAGE_BYTES,
  EVENT_DNS_MESSAGE,
} from '../../../../src/receivers/ebpf/tracers/dns/event.ts'

const type = (value: number) => Buffer.from([value >> 8, value & 255])

/** A name without compression. */
export const wireName = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split('.')
      .filter((label) => label !== '')
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ])

export interface WireMessage {
  readonly id?: number
  readonly flags?: number
  readonly name?: string
  readonly type?: number
  readonly answers?: readonly Buffer[]
  readonly additional?: readonly Buffer[]
}

export function wireMessage({
  id = 1,
  flags = 0x0100,
  name,
  type: asked = 1,
  answers = [],
  additional = [],
}: WireMessage) {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(flags, 2)
  header.writeUInt16BE(name === undefined ? 0 : 1, 4)
  header.writeUInt16BE(answers.length, 6)
  header.writeUInt16BE(additional.length, 10)
  const question = name === undefined ? [] : [wireName(name), type(asked), type(1)]
  return Buffer.concat([header, ...question, ...answers, ...additional])
}

/** A record whose name points to the question's. */
export const record = (kind: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0xc0, 12]), type(kind), type(1), Buffer.from([0, 0, 0, 60]), type(data.length), data])

/** An OPT record: bytes taken by UDP, upper bits of the code. */
export const edns = (udpBytes: number, upperCode = 0): Buffer =>
  Buffer.concat([Buffer.from([0]), type(41), type(udpBytes), Buffer.from([upperCode, 0, 0x80, 0]), type(0)])

export interface WirePacket {
  readonly payload: Buffer
  readonly time?: number
  readonly pid?: number
  readonly socket?: number
  readonly isOut?: boolean
  readonly isServer?: boolean
  readonly transport?: number
  readonly isVersion6?: boolean
  readonly remotePort?: number
}

/** An event, as the programs write it. */
export function wireEvent(packet: WirePacket): Buffer {
  const { payload, time = 0, pid = 7, socket = 1, isOut = true, isServer = false, transport = 17 } = packet
  const event = Buffer.alloc(DNS_MESSAGE_BYTES + payload.length)
  event.writeUInt16LE(EVENT_DNS_MESSAGE, 0)
  event.writeUInt16LE(1, 2)
  event.writeUInt32LE(event.length, 4)
  event.writeBigUInt64LE(BigInt(time), 8)
  event.writeUInt32LE(pid, 16)
  event.writeUInt32LE(pid, 20)
  event.writeBigUInt64LE(BigInt(socket), DNS_MESSAGE.socket)
  event.writeUInt32LE(payload.length, DNS_MESSAGE.bytes)
  event.writeUInt16LE(payload.length, DNS_MESSAGE.captured)
  event.writeUInt16LE(isServer ? 53 : 40_000, DNS_MESSAGE.local_port)
  event.writeUInt16LE(packet.remotePort ?? (isServer ? 40_000 : 53), DNS_MESSAGE.remote_port)
  event[DNS_MESSAGE.direction] = isOut ? DIRECTION_OUT : DIRECTION_IN
  event[DNS_MESSAGE.transport] = transport
  event[DNS_MESSAGE.family] = packet.isVersion6 ? AF_INET6 : AF_INET
  event[DNS_MESSAGE.server] = isServer ? 1 : 0
  if (packet.isVersion6) event[DNS_MESSAGE.remote_address + 15] = 1
  else Buffer.from([192, 0, 2, 53]).copy(event, DNS_MESSAGE.remote_address)
  event.write('resolver', DNS_MESSAGE.name, 'latin1')
  payload.copy(event, DNS_MESSAGE_BYTES)
  return event
}
