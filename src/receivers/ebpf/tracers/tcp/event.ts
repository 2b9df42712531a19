import { EVENT_TCP } from '../../event.ts'
export { ADDRESS_BYTES, AF_INET, AF_INET6, NAME_BYTES } from '../../event.ts'

/** `struct tcp_event` of `bpf/tcp/event.h`, held to it by a test. Little-endian. */
export const EVENT_TCP_OPENED = EVENT_TCP + 1
export const EVENT_TCP_OWNED = EVENT_TCP + 2
export const EVENT_TCP_RETRANSMITTED = EVENT_TCP + 3
export const EVENT_TCP_CLOSED = EVENT_TCP + 4
export const EVENT_TCP_LISTENING = EVENT_TCP + 5
export const EVENT_TCP_DEAF = EVENT_TCP + 6
/** Of the layout that is read here. */
export const TCP_VERSION = 1

export const ROLE_UNKNOWN = 0
export const ROLE_OPENED = 1
export const ROLE_ACCEPTED = 2

export const TCP_OWNER_GUESSED = 1

/** Where each field of `struct tcp_event` begins. */
export const TCP_EVENT = {
  header: 0,
  connection: 24,
  began: 32,
  sent: 40,
  received: 48,
  srtt: 56,
  retransmits: 60,
  network: 64,
  error: 68,
  local_port: 72,
  remote_port: 74,
  family: 76,
  role: 77,
  state: 78,
  flags: 79,
  local_address: 80,
  remote_address: 96,
  name: 112,
} as const
export const TCP_EVENT_BYTES = 128
