/**
 * The header before every event: `struct event_header` of `bpf/include/event.h`, held to it by a test. Little-endian. The bytes of an event
 * lie in a buffer that is used again: whoever keeps something of it copies it.
 */
export const HEADER_BYTES = 24

/** Before each record in what `Ring.drain` gives: u32 length and flags, u32 unused. */
export const RECORD_BYTES = 8

/** First of the 256 types of each tracer's range. */
export const EVENT_SOCKET = 0x0100
export const EVENT_TCP = 0x0200
export const EVENT_DNS = 0x0300
export const EVENT_PROCESS = 0x0400

/** As the kernel numbers them. */
export const AF_INET = 2
export const AF_INET6 = 10
/** An address in an event, of either family: IPv4 stands in its first four bytes. */
export const ADDRESS_BYTES = 16
/** `comm`, ended by a zero. */
export const NAME_BYTES = 16

const TWO_TO_32 = 0x1_0000_0000

export const typeOf = (event: Buffer, at: number): number => event.readUInt16LE(at)
export const versionOf = (event: Buffer, at: number): number => event.readUInt16LE(at + 2)
export const lengthOf = (event: Buffer, at: number): number => event.readUInt32LE(at + 4)
/** Nanoseconds of CLOCK_MONOTONIC: exact for 104 days of uptime, to 2 ns for 208. */
export const timeOf = (event: Buffer, at: number): number => unsigned64(event, at + 8)
/** The process (tgid). */
export const pidOf = (event: Buffer, at: number): number => event.readUInt32LE(at + 16)
export const tidOf = (event: Buffer, at: number): number => event.readUInt32LE(at + 20)

/** A u64 as a number: exact below 2^53. */
export const unsigned64 = (event: Buffer, at: number): number =>
  event.readUInt32LE(at) + event.readUInt32LE(at + 4) * TWO_TO_32
