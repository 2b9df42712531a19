import { DEFAULT_FRAME, DEFAULT_HEADER_TABLE, ENABLE_PUSH, MAX_HEADER_LIST_SIZE } from '../frames.ts'
import type { Setting } from '../settings.ts'

/** What a server may cost a client. Bytes and milliseconds. */
export const LIMITS = {
  /** Of the table that the server's headers may refer to. */
  headerTable: DEFAULT_HEADER_TABLE,
  /** The headers of an answer, or its trailers: a `grpc-status-details-bin` may be long. */
  headerList: 64 * 1024,
  /** Frames that come. */
  frame: DEFAULT_FRAME,
  /** Messages of one connection that have come in part. */
  answers: 32 * 2 ** 20,
  /** Requests at the same time on one connection, where the server sets no limit. */
  streams: 10_000,
  /** DATA frames that we send are no larger, whatever the server takes: requests take turns between them. */
  sentFrame: 64 * 1024,
  /** HEADERS frames that we send. */
  sentHeaders: 8 * 1024,
  /** How long the system may take none of what is to be given back. */
  stuck: 500,
  /** Characters of what a server says when it goes. */
  goawayText: 200,
} as const

export const OUR_SETTINGS: readonly Setting[] = [
  [ENABLE_PUSH, 0],
  [MAX_HEADER_LIST_SIZE, LIMITS.headerList],
]
