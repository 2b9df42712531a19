import { EVENT_SOCKET } from '../event.ts'
export { ADDRESS_BYTES, AF_INET, AF_INET6, NAME_BYTES } from '../event.ts'

/** `struct socket_data` and `struct socket_closed` of `bpf/socket/event.h`, held to it by a test. Little-endian. */
export const EVENT_SOCKET_DATA = EVENT_SOCKET + 1
export const EVENT_SOCKET_CLOSED = EVENT_SOCKET + 2
/** Of the layouts that are read here. */
export const SOCKET_VERSION = 1

export const PROTOCOL_NONE = 0
export const PROTOCOL_HTTP1 = 1

export const DIRECTION_IN = 0
export const DIRECTION_OUT = 1

/** The chunk begins like a message of the protocol. */
export const DATA_STARTS_MESSAGE = 1
/** The payload could not be read: only how much it was is known. */
export const DATA_UNREAD = 2

export const PAYLOAD_BYTES_MAX = 4096
export const TAIL_BYTES = 8

/** Where each field of `struct socket_data` begins. */
export const SOCKET_DATA = {
  header: 0,
  connection: 24,
  began: 32,
  sequence: 40,
  bytes: 44,
  run: 48,
  captured: 52,
  direction: 54,
  protocol: 55,
  flags: 56,
  family: 57,
  local_port: 58,
  remote_port: 60,
  tail_bytes: 62,
  pad: 63,
  tail: 64,
  local_address: 72,
  remote_address: 88,
  name: 104,
} as const
/** The struct's size: where the payload begins. */
export const SOCKET_DATA_BYTES = 120

/** Where each field of `struct socket_closed` begins. */
export const SOCKET_CLOSED = {
  header: 0,
  connection: 24,
  sequence: 32,
  pad: 36,
} as const
export const SOCKET_CLOSED_BYTES = 40
