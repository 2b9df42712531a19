import { EVENT_DNS } from '../../event.ts'
export { ADDRESS_BYTES, AF_INET, AF_INET6, NAME_BYTES } from '../../event.ts'

/** `struct dns_message` of `bpf/dns/event.h`, held to it by a test. Little-endian. */
export const EVENT_DNS_MESSAGE = EVENT_DNS + 1
/** Of the layout that is read here. */
export const DNS_VERSION = 1

export const DIRECTION_IN = 0
export const DIRECTION_OUT = 1
export const IPPROTO_TCP = 6

export const PORTS_MAX = 8
export const PAYLOAD_BYTES = 512
export const PAYLOAD_BYTES_MAX = 1232

/** Where each field of `struct dns_message` begins. */
export const DNS_MESSAGE = {
  header: 0,
  socket: 24,
  bytes: 32,
  captured: 36,
  local_port: 38,
  remote_port: 40,
  direction: 42,
  transport: 43,
  family: 44,
  server: 45,
  pad: 46,
  local_address: 48,
  remote_address: 64,
  name: 80,
} as const
/** The struct's size: where the payload begins. */
export const DNS_MESSAGE_BYTES = 96
