import { Refused } from '../../../component/refused.ts'
import { CONTINUATION, DATA, END_HEADERS, END_STREAM, FRAME_HEAD, HEADERS } from '../frames.ts'
import { writeFrameHead, writeUint32 } from '../frames.ts'
import { MESSAGE_PREFIX } from '../grpc-message.ts'
import { HeaderEncoder } from '../hpack/encoder.ts'
import { sizeOfField } from '../hpack/header-list.ts'
import type { HeaderField } from '../hpack/header-list.ts'
import type { Outbox } from '../outbox.ts'
import type { PeerSettings } from '../settings.ts'
import { Body, MOST_UNSENT } from '../windows.ts'
import type { SendWindows } from '../windows.ts'
import type { Call } from './call.ts'
import { timeLeft } from './headers.ts'
import type { RequestHeaders } from './headers.ts'
import { LIMITS } from './limits.ts'

/** A message below that is copied in any case, and written with its headers where the windows let it out at once. */
const SMALL = 8 * 1024
/** Headers of so many bytes go with it: a frame of any peer has room for both. */
const SHORT_BLOCK = 1024

/** Writes the requests of a connection. */
export class RequestWriter {
  readonly encoder = new HeaderEncoder()
  readonly #headers: RequestHeaders
  readonly #outbox: Outbox
  readonly #windows: SendWindows

  constructor(headers: RequestHeaders, outbox: Outbox, windows: SendWindows) {
    this.#headers = headers
    this.#outbox = outbox
    this.#windows = windows
  }

  /** The headers, encoded, or why no server would take them, or this one would not. Those that are made are to be sent. */
  block(call: Call, most: number, now: number): Buffer | Refused {
    const fields = this.#headers.of(call.path, call.timeout, timeLeft(call, now), call.headers)
    if (most < Infinity && sizeOf(fields) > most)
      return new Refused(`the headers of the request are larger than the ${most} bytes that the server takes`, FOR_EVER)
    try {
      return this.encoder.encode(fields)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return new Refused(error.message, { ...FOR_EVER, cause: error })
    }
  }

  /** Writes the request, or as much of it as may leave now. Answers the bytes of its body. */
  send(call: Call, block: Buffer, { frame }: PeerSettings): number {
    let length = MESSAGE_PREFIX
    for (const part of call.message) length += part.length
    if (this.#sendAtOnce(call, block, length)) return length
    this.#sendHeaders(call.id, block, frame)
    const prefix = Buffer.allocUnsafe(MESSAGE_PREFIX)
    writePrefix(prefix, 0, call.isCompressed, length)
    call.body = new Body([prefix, ...call.message], true, () => (call.mark = this.#outbox.written))
    this.#windows.begin(call)
    return length
  }

  /** A small message needs nothing that remembers how much of it has left. Whether it could leave: else nothing is written. */
  #sendAtOnce(call: Call, block: Buffer, length: number): boolean {
    if (length >= SMALL || block.length > SHORT_BLOCK || this.#outbox.unsent + length >= MOST_UNSENT) return false
    if (!this.#windows.take(call, length)) return false
    call.body = NONE
    // All of it is copied: nobody reads the caller's bytes after this.
    call.mark = 0
    const room = this.#outbox.room(2 * FRAME_HEAD + block.length + length)
    let at = writeFrameHead(room, this.#outbox.at, block.length, HEADERS, END_HEADERS, call.id)
    room.set(block, at)
    at = writeFrameHead(room, at + block.length, length, DATA, END_STREAM, call.id)
    at = writePrefix(room, at, call.isCompressed, length)
    for (const part of call.message) {
      room.set(part, at)
      at += part.length
    }
    this.#outbox.wrote(at)
    return true
  }

  /** A header block, in as many frames as it takes; `frame` bytes are the most that the server takes in one. */
  #sendHeaders(stream: number, block: Buffer, frame: number): void {
    const most = Math.min(frame, LIMITS.sentHeaders)
    let type = HEADERS
    for (let at = 0; at < block.length;) {
      const end = Math.min(block.length, at + most)
      const room = this.#outbox.room(FRAME_HEAD + end - at)
      const flags = end === block.length ? END_HEADERS : 0
      const payload = writeFrameHead(room, this.#outbox.at, end - at, type, flags, stream)
      block.copy(room, payload, at, end)
      this.#outbox.wrote(payload + end - at)
      type = CONTINUATION
      at = end
    }
  }
}

/** `length` counts the prefix, too. Returns where the message begins. */
function writePrefix(buffer: Buffer, at: number, isCompressed: boolean, length: number): number {
  buffer[at] = isCompressed ? 1 : 0
  return writeUint32(buffer, at + 1, length - MESSAGE_PREFIX)
}

/** As a server counts them (RFC 9113, 6.5.2). */
function sizeOf(fields: readonly HeaderField[]): number {
  let bytes = 0
  for (const { name, value } of fields) bytes += sizeOfField(name, value)
  return bytes
}

const FOR_EVER = { code: 'internal', retry: 'never' } as const
const NONE = new Body([], true, () => {})
