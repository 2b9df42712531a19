import type { PassedOver } from '../loader.ts'

/**
 * What an agent and `telegen bpf-loader` say to each other, over a SOCK_SEQPACKET unix socket. The agent speaks first (`Hello`), then sends
 * requests, each in one message of JSON, and the loader answers each by its id, in order. An answer may be larger than a message: each message of
 * the loader's begins with a byte that says whether more of it follows. Bytes are base64.
 */
export const PROTOCOL_VERSION = 1

/** Where both look for each other, unless told otherwise. */
export const DEFAULT_SOCKET = '/run/telegen/bpf-loader.sock'

/** Of a request, as the socket has it. */
export const REQUEST_BYTES_MAX = 256 * 1024
/** Of an answer, all its messages together: what the socket keeps for a reader who is slow. */
export const ANSWER_BYTES_MAX = 6 * 1024 * 1024
const FRAGMENT_BYTES = 192 * 1024
/** Requests that wait in the loader; an agent that sends more does not wait for its answers. */
export const WAITING_REQUESTS_MAX = 256

export const CALLS = [
  'capabilities',
  'ring',
  'load',
  'counters',
  'programs',
  'update',
  'delete',
  'read',
  'attach',
  'detach',
  'statistics',
  'close',
] as const
export type Call = (typeof CALLS)[number]

export interface Hello {
  readonly telegen: number
}

/** What the loader says first. */
export type Welcome = Hello | { readonly refused: string }

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failed: { readonly message: string; readonly passedOver: readonly PassedOver[] } }

/** The messages that an answer goes in. Throws where it is too large. */
export function* fragments(answer: Answer | Welcome): Generator<Buffer> {
  const text = Buffer.from(JSON.stringify(answer))
  if (text.length > ANSWER_BYTES_MAX) throw new RangeError(`an answer of ${text.length} bytes: ask for less`)
  for (let at = 0; at < text.length; at += FRAGMENT_BYTES) {
    const end = Math.min(text.length, at + FRAGMENT_BYTES)
    yield Buffer.concat([Buffer.of(end < text.length ? MORE : LAST), text.subarray(at, end)])
  }
}

const LAST = 0
const MORE = 1

/** Puts the messages of answers together again. */
export class Answers {
  #parts: Buffer[] = []
  #bytes = 0

  /** An answer, where this message was its last. Throws where it is none of the loader's. */
  take(message: Buffer): unknown {
    this.#bytes += message.length
    if (this.#bytes > ANSWER_BYTES_MAX * 2) throw new RangeError('an answer without end')
    this.#parts.push(message.subarray(1))
    if (message[0] === MORE) return undefined
    const text = Buffer.concat(this.#parts).toString()
    this.#parts = []
    this.#bytes = 0
    return JSON.parse(text)
  }
}

export const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
