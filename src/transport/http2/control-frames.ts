import {
  ACK,
  FRAME_HEAD,
  GOAWAY,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  writeFrameHead,
  writeUint32,
} from './frames.ts'
import type { Outbox } from './outbox.ts'

const PING_BYTES = 8
const GOAWAY_BYTES = 8
/** Characters of what a peer is told when its connection ends. */
const LONGEST_REASON = 256

export const writeReset = (outbox: Outbox, stream: number, code: number): void =>
  writeNumber(outbox, RST_STREAM, stream, code)

export const writeWindowUpdate = (outbox: Outbox, stream: number, bytes: number): void =>
  writeNumber(outbox, WINDOW_UPDATE, stream, bytes)

function writeNumber(outbox: Outbox, type: number, stream: number, value: number): void {
  const piece = outbox.room(FRAME_HEAD + 4)
  outbox.wrote(writeUint32(piece, writeFrameHead(piece, outbox.at, 4, type, 0, stream), value))
}

export function writeSettingsAck(outbox: Outbox): void {
  const piece = outbox.room(FRAME_HEAD)
  outbox.wrote(writeFrameHead(piece, outbox.at, 0, SETTINGS, ACK, 0))
}

/** Eight bytes of `payload`, from `start` on. */
export function writePing(outbox: Outbox, flags: number, payload: Buffer, start: number): void {
  const piece = outbox.room(FRAME_HEAD + PING_BYTES)
  const at = writeFrameHead(piece, outbox.at, PING_BYTES, PING, flags, 0)
  payload.copy(piece, at, start, start + PING_BYTES)
  outbox.wrote(at + PING_BYTES)
}

export function writeGoaway(outbox: Outbox, lastStream: number, code: number, reason = ''): void {
  const text = Buffer.from(reason.slice(0, LONGEST_REASON))
  const piece = outbox.room(FRAME_HEAD + GOAWAY_BYTES + text.length)
  let at = writeFrameHead(piece, outbox.at, GOAWAY_BYTES + text.length, GOAWAY, 0, 0)
  at = writeUint32(piece, writeUint32(piece, at, lastStream), code)
  outbox.wrote(at + text.copy(piece, at))
}
