import { Refused } from '../../../component/refused.ts'
import { CONTINUATION, END_HEADERS, FRAME_HEAD, HEADERS, writeFrameHead, writeUint32 } from '../frames.ts'
import { MESSAGE_PREFIX } from '../grpc-message.ts'
import type { HeaderEncoder } from '../hpack/encoder.ts'
import { sizeOfField } from '../hpack/header-list.ts'
import type { HeaderField } from '../hpack/header-list.ts'
import type { Outbox } from '../outbox.ts'
import { Body } from '../windows.ts'
import { LIMITS } from './limits.ts'

/** A header block, in as many frames as it takes; `frame` bytes are the most that the server takes in one. */
export function sendHeaders(outbox: Outbox, stream: number, block: Buffer, frame: number): void {
  const most = Math.min(frame, LIMITS.sentHeaders)
  let type = HEADERS
  for (let at = 0; at < block.length;) {
    const end = Math.min(block.length, at + most)
    const room = outbox.room(FRAME_HEAD + end - at)
    const flags = end === block.length ? END_HEADERS : 0
    const payload = writeFrameHead(room, outbox.at, end - at, type, flags, stream)
    block.copy(room, payload, at, end)
    outbox.wrote(payload + end - at)
    type = CONTINUATION
    at = end
  }
}

/** The headers, encoded, or why no server would take them; `most` bytes are what this one does. */
export function headerBlock(fields: readonly HeaderField[], encoder: HeaderEncoder, most: number): Buffer | Refused {
  if (most < Infinity && sizeOf(fields) > most)
    return new Refused(`the headers of the request are larger than the ${most} bytes that the server takes`, FOR_EVER)
  try {
    return encoder.encode(fields)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return new Refused(error.message, { ...FOR_EVER, cause: error })
  }
}

const FOR_EVER = { code: 'internal', retry: 'never' } as const

/** As a server counts them (RFC 9113, 6.5.2). */
function sizeOf(fields: readonly HeaderField[]): number {
  let bytes = 0
  for (const { name, value } of fields) bytes += sizeOfField(name, value)
  return bytes
}

/** A message with its prefix; `written` runs when the outbox has all of it. */
export function requestBody(message: readonly Buffer[], isCompressed: boolean, written: () => void): Body {
  let length = 0
  for (const part of message) length += part.length
  const prefix = Buffer.allocUnsafe(MESSAGE_PREFIX)
  prefix[0] = isCompressed ? 1 : 0
  writeUint32(prefix, 1, length)
  return new Body([prefix, ...message], true, written)
}
