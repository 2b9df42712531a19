import type { Refused } from '../../component/refused.ts'
import { encodeRpcStatus } from '../rpc-status.ts'
import { answerTo } from '../statuses.ts'
import { DATA, END_HEADERS, END_STREAM, FRAME_HEAD, HEADERS, writeFrameHead, writeUint32 } from './frames.ts'
import { encodeGrpcMessage, MESSAGE_PREFIX } from './grpc-message.ts'
import { HeaderEncoder } from './hpack/encoder.ts'
import { headerField } from './hpack/header-list.ts'
import type { HeaderField } from './hpack/header-list.ts'
import type { Outbox } from './outbox.ts'
import { Body } from './windows.ts'
import type { SendWindows } from './windows.ts'

const STATUS_200 = headerField(':status', '200')
const GRPC = headerField('content-type', 'application/grpc')
const ACCEPTS = headerField('grpc-accept-encoding', 'identity,gzip,deflate,zstd,snappy')
/** Before a message. */
const HEAD: readonly HeaderField[] = [STATUS_200, GRPC]
/** Behind it. */
const OK: readonly HeaderField[] = [headerField('grpc-status', '0')]

/** Where an answer goes. */
export interface Answered {
  readonly id: number
  window: number
  body: Body
}

/**
 * Writes the answers of a connection. Most of them are success and an empty message, which differ in nothing but the number of their
 * stream: those are written once and copied.
 */
export class Answers {
  readonly encoder = new HeaderEncoder()
  readonly #outbox: Outbox
  readonly #windows: SendWindows
  /** HEADERS, DATA of an empty message, HEADERS; and the blocks that it was made of. */
  #empty: Buffer = NOTHING
  #head: Buffer = NOTHING
  #ok: Buffer = NOTHING

  constructor(outbox: Outbox, windows: SendWindows) {
    this.#outbox = outbox
    this.#windows = windows
  }

  /** Success with an empty message. Whether it could be written at once: then all of it is in the outbox, and else nothing. */
  empty(stream: Answered): boolean {
    if (!this.#windows.take(stream, MESSAGE_PREFIX)) return false
    this.#success(stream.id)
    return true
  }

  /** Success; `sent` runs when all of it is in the outbox, at once unless a window is too narrow. */
  message(stream: Answered, message: Buffer, sent: () => void): void {
    this.#headers(stream.id, HEAD, 0)
    const prefix = Buffer.alloc(MESSAGE_PREFIX)
    writeUint32(prefix, 1, message.length)
    stream.body = new Body([prefix, message], false, () => {
      this.#headers(stream.id, OK, END_STREAM)
      sent()
    })
    this.#windows.begin(stream)
  }

  /** A status alone; `http` is that of HTTP, for who may not know gRPC's. */
  refusal(stream: number, refused: Refused, http = 200): void {
    const { grpc: code, message, after } = answerTo(refused)
    const status = http === 200 ? STATUS_200 : headerField(':status', String(http))
    const fields = [status, GRPC, headerField('grpc-status', String(code))]
    fields.push(headerField('grpc-message', encodeGrpcMessage(message), 'without'))
    if (code === UNIMPLEMENTED) fields.push(ACCEPTS)
    if (after !== undefined) {
      const details = encodeRpcStatus({ code, message, retryDelay: after }).toString('base64')
      fields.push(headerField('grpc-status-details-bin', details.replace(PADDING, ''), 'without'))
    }
    this.#headers(stream, fields, END_STREAM)
  }

  /** To who does not even post. */
  noPost(stream: Answered, text: string, sent: () => void): void {
    this.#headers(stream.id, METHOD_NOT_ALLOWED, 0)
    stream.body = new Body([Buffer.from(text)], true, sent)
    this.#windows.begin(stream)
  }

  #success(stream: number): void {
    const head = this.encoder.encode(HEAD)
    const ok = this.encoder.encode(OK)
    if (head !== this.#head || ok !== this.#ok) this.#makeEmpty(head, ok)
    const template = this.#empty
    const piece = this.#outbox.room(template.length)
    const { at } = this.#outbox
    template.copy(piece, at)
    writeUint32(piece, at + STREAM_AT, stream)
    const data = at + FRAME_HEAD + head.length
    writeUint32(piece, data + STREAM_AT, stream)
    writeUint32(piece, data + FRAME_HEAD + MESSAGE_PREFIX + STREAM_AT, stream)
    this.#outbox.wrote(at + template.length)
  }

  #makeEmpty(head: Buffer, ok: Buffer): void {
    this.#head = head
    this.#ok = ok
    const empty = Buffer.alloc(3 * FRAME_HEAD + head.length + MESSAGE_PREFIX + ok.length)
    let at = writeFrameHead(empty, 0, head.length, HEADERS, END_HEADERS, 0)
    at += head.copy(empty, at)
    at = writeFrameHead(empty, at, MESSAGE_PREFIX, DATA, 0, 0) + MESSAGE_PREFIX
    at = writeFrameHead(empty, at, ok.length, HEADERS, END_HEADERS | END_STREAM, 0)
    ok.copy(empty, at)
    this.#empty = empty
  }

  /** What we say fits in a frame of any peer: the longest is the text of a status, which is bounded. */
  #headers(stream: number, fields: readonly HeaderField[], flags: number): void {
    const block = this.encoder.encode(fields)
    const piece = this.#outbox.room(FRAME_HEAD)
    this.#outbox.wrote(writeFrameHead(piece, this.#outbox.at, block.length, HEADERS, END_HEADERS | flags, stream))
    this.#outbox.append(block)
  }
}

/** Of a frame's head, where the number of its stream is. */
const STREAM_AT = 5
const UNIMPLEMENTED = 12
const METHOD_NOT_ALLOWED = [
  headerField(':status', '405'),
  headerField('content-type', 'text/plain'),
  headerField('allow', 'POST'),
]
const PADDING = /=+$/
const NOTHING: Buffer = Buffer.allocUnsafeSlow(0)
