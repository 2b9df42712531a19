import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { constants } from 'node:http2'

/**
 * Calls `begin` for each connection of a grpc-js server. Its HTTP/2 servers are reached through a field that it does not document; where
 * a new version has none, this throws, and its contract test fails.
 */
export function onSession(server: object, begin: (session: ServerHttp2Session) => void): void {
  const { http2Servers } = server as { http2Servers?: Map<Http2Server, unknown> }
  if (!(http2Servers instanceof Map)) throw new Error('this version of @grpc/grpc-js hides its HTTP/2 servers')
  for (const http2Server of http2Servers.keys()) http2Server.on('session', begin)
}

/** Any stream that the client may have begun before it heard of it is still taken (RFC 9113, 6.8). */
const NO_LIMIT = 2 ** 31 - 1

/** The connections of a server, for its graceful end. */
export class Sessions {
  /** Whether a request has come. */
  readonly #open = new Map<ServerHttp2Session, boolean>()
  #isDraining = false

  readonly add = (session: ServerHttp2Session): void => {
    this.#open.set(session, false)
    session.once('close', () => this.#open.delete(session))
    session.once('stream', () => {
      this.#open.set(session, true)
      if (this.#isDraining) say(session)
    })
  }

  /** Tells clients to send further requests elsewhere: those that are on the way are answered. Who has just come may send one. */
  drain(): void {
    this.#isDraining = true
    for (const [session, hasBegun] of this.#open) if (hasBegun) say(session)
  }
}

/** Clients that have nothing under way do not always answer a ping after that; in milliseconds. */
const ANSWER_TIME = 250

/** What the client sent before it knew has come when it answers the ping. */
function say(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return
  const close = () => session.closed || session.destroyed || session.close()
  session.goaway(constants.NGHTTP2_NO_ERROR, NO_LIMIT)
  session.ping(close)
  const late = setTimeout(close, ANSWER_TIME)
  session.once('close', () => clearTimeout(late))
}
