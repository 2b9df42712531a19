import type { ServerHttp2Session } from 'node:http2'

/**
 * What a second of a connection may have besides messages: an allowance, so much for each request (its headers, and what was on the way
 * when it was refused), and a share of the messages for their framing. Floods of SETTINGS, PING, PRIORITY or WINDOW_UPDATE have more.
 */
const SPARE_BYTES = 2 ** 20
const SPARE_BYTES_OF_REQUEST = 96 * 1024
const FRAMING_SHARE = 4
/** Requests that HTTP/2 turns away before anybody sees them, for headers that are too many, too large or malformed: so many a second may be. */
const MOST_TURNED_AWAY = 500

/**
 * Requests that the client, or a fault that it made, ended before they had all of an answer ("rapid reset"): so many at once, and so many a
 * second. A little less than nghttp2 bears (1000 and 33): Node 22 would leave the connection open then, and never read it again.
 */
const MOST_CUT = 900
const MOST_CUT_A_SECOND = 30

/** How much of what a client sends is worth something. */
export class SessionLoad {
  requests = 0
  cut = 0
  #cutsLeft = MOST_CUT
  messageBytes = 0
  readonly #session: ServerHttp2Session
  #before = { requests: 0, cut: 0, messageBytes: 0, read: 0, turnedAway: 0 }

  constructor(session: ServerHttp2Session) {
    this.#session = session
  }

  /** Why the connection should end, from what came since this was last asked; asked about once a second. */
  complaint(): string | undefined {
    // It ends: it has no socket any more, and its `close` comes only when the client has closed its side, too.
    if (this.#session.destroyed) return undefined
    const before = this.#before
    const { requests, cut, messageBytes } = this
    // The client's streams have odd numbers; those that nobody saw were turned away.
    const turnedAway = Math.max(0, ((this.#session.state.lastProcStreamID ?? 0) + 1) / 2 - requests)
    const read = this.#session.socket.bytesRead
    this.#before = { requests, cut, messageBytes, read, turnedAway }
    if (turnedAway - before.turnedAway > MOST_TURNED_AWAY) return 'too_many_bad_headers'
    this.#cutsLeft = Math.min(MOST_CUT, this.#cutsLeft + MOST_CUT_A_SECOND) - (cut - before.cut)
    if (this.#cutsLeft < 0) return 'too_many_resets'
    const messages = messageBytes - before.messageBytes
    const spare = SPARE_BYTES + (requests - before.requests) * SPARE_BYTES_OF_REQUEST + messages / FRAMING_SHARE
    return read - before.read - messages > spare ? 'too_much_besides_requests' : undefined
  }
}
