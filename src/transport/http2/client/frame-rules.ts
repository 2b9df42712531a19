import {
  ACK,
  ConnectionError,
  CONTINUATION,
  DATA,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from '../frames.ts'

/** Of frames that have one length alone (RFC 9113, 6). */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [PRIORITY, 5],
  [RST_STREAM, 4],
  [PING, 8],
  [WINDOW_UPDATE, 4],
])
const LEAST_GOAWAY = 8
const OF_CONNECTIONS: ReadonlySet<number> = new Set([SETTINGS, PING, GOAWAY])

/** Throws a `ConnectionError` where a server may not send such a frame. `next`: the first stream that was not begun yet. */
export function checkFrame(type: number, flags: number, stream: number, length: number, next: number): void {
  // Nearly all frames are these two.
  if (type === HEADERS || type === DATA) {
    if (!isBegun(stream, next)) throw noStream(stream)
    return
  }
  if (OF_CONNECTIONS.has(type) && stream !== 0) throw broken('a frame of the connection came on a stream')
  if ((type === RST_STREAM || (type === WINDOW_UPDATE && stream !== 0)) && !isBegun(stream, next))
    throw noStream(stream)
  if (type === PUSH_PROMISE) throw broken('it pushes, which it was told not to do')
  if (type === CONTINUATION) throw broken('there is no header block to continue')
  const wanted = LENGTHS.get(type)
  const isWrong =
    (wanted !== undefined && length !== wanted) ||
    (type === GOAWAY && length < LEAST_GOAWAY) ||
    (type === SETTINGS && (flags & ACK) !== 0 && length > 0)
  if (isWrong) throw new ConnectionError(FRAME_SIZE_ERROR, `a frame of type ${type} has ${length} bytes`)
}

/** Streams of clients have odd numbers. */
const isBegun = (stream: number, next: number): boolean => (stream & 1) === 1 && stream < next

const noStream = (stream: number): ConnectionError => broken(`there is no stream ${stream}`)

export const broken = (what: string): ConnectionError => new ConnectionError(PROTOCOL_ERROR, what)
