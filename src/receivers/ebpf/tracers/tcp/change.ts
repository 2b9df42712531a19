import { pidOf, timeOf, typeOf, unsigned64 } from '../../event.ts'
import type { Ends } from './ends.ts'
import { plainAddress } from './ends.ts'
import { ADDRESS_BYTES, AF_INET6, NAME_BYTES, TCP_EVENT, TCP_OWNER_GUESSED } from './event.ts'

/** What an event says. */
export interface Change extends Ends {
  readonly type: number
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly time: number
  /** Of the owner; 0 where it is not known. */
  readonly pid: number
  readonly name: string
  readonly isGuess: boolean
  /** 0 where it was there before the programs were. */
  readonly began: number
  readonly role: number
  /** The one that it was in: `TCP_ESTABLISHED` 1, `TCP_SYN_SENT` 2, … */
  readonly state: number
  readonly error: number
  readonly sent: number
  readonly received: number
  /** Microseconds; 0 where none was measured. */
  readonly roundTrip: number
  readonly retransmits: number
}

/** Of an event whose size was looked at. Bytes may be anything. */
export function readChange(buffer: Buffer, at: number): Change {
  const isVersion6 = buffer[at + TCP_EVENT.family] === AF_INET6
  return {
    type: typeOf(buffer, at),
    time: timeOf(buffer, at),
    pid: pidOf(buffer, at),
    name: nameAt(buffer, at + TCP_EVENT.name),
    isGuess: (buffer[at + TCP_EVENT.flags]! & TCP_OWNER_GUESSED) !== 0,
    began: unsigned64(buffer, at + TCP_EVENT.began),
    role: buffer[at + TCP_EVENT.role]!,
    state: buffer[at + TCP_EVENT.state]!,
    error: buffer.readUInt32LE(at + TCP_EVENT.error),
    sent: unsigned64(buffer, at + TCP_EVENT.sent),
    received: unsigned64(buffer, at + TCP_EVENT.received),
    roundTrip: buffer.readUInt32LE(at + TCP_EVENT.srtt),
    retransmits: buffer.readUInt32LE(at + TCP_EVENT.retransmits),
    network: buffer.readUInt32LE(at + TCP_EVENT.network),
    localAddress: addressAt(buffer, at + TCP_EVENT.local_address, isVersion6),
    localPort: buffer.readUInt16LE(at + TCP_EVENT.local_port),
    remoteAddress: addressAt(buffer, at + TCP_EVENT.remote_address, isVersion6),
    remotePort: buffer.readUInt16LE(at + TCP_EVENT.remote_port),
  }
}

const addressAt = (buffer: Buffer, at: number, isVersion6: boolean): string =>
  plainAddress(buffer.toString('latin1', at, at + ADDRESS_BYTES), isVersion6)

function nameAt(buffer: Buffer, at: number): string {
  const end = buffer.indexOf(0, at)
  return buffer.toString('utf8', at, end < 0 || end > at + NAME_BYTES ? at + NAME_BYTES : end)
}
