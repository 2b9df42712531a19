import { ACK, FRAME_HEAD, GOAWAY, PING, SETTINGS, writeFrameHead, writeUint32 } from '../frames.ts'
import type { Outbox } from '../outbox.ts'

const PING_BYTES = 8
const GOAWAY_BYTES = 8

/** RST_STREAM and WINDOW_UPDATE carry one number. */
export function sendNumber(outbox: Outbox, type: number, stream: number, value: number): void {
  const room = outbox.room(FRAME_HEAD + 4)
  outbox.wrote(writeUint32(room, writeFrameHead(room, outbox.at, 4, type, 0, stream), value))
}

export function sendSettingsAck(outbox: Outbox): void {
  const room = outbox.room(FRAME_HEAD)
  outbox.wrote(writeFrameHead(room, outbox.at, 0, SETTINGS, ACK, 0))
}

/** With the eight bytes of `from` at `start`. */
export function sendPing(outbox: Outbox, flags: number, from: Buffer, start: number): void {
  const room = outbox.room(FRAME_HEAD + PING_BYTES)
  const at = writeFrameHead(room, outbox.at, PING_BYTES, PING, flags, 0)
  from.copy(room, at, start, start + PING_BYTES)
  outbox.wrote(at + PING_BYTES)
}

/** A client has no streams of the server's to name. */
export function sendGoaway(outbox: Outbox, code: number): void {
  const room = outbox.room(FRAME_HEAD + GOAWAY_BYTES)
  const at = writeFrameHead(room, outbox.at, GOAWAY_BYTES, GOAWAY, 0, 0)
  outbox.wrote(writeUint32(room, writeUint32(room, at, 0), code))
  outbox.flush()
}
