import type { AuthenticationData, ClientAuthenticator, ServerAuthenticator } from '../component/authentication.ts'
import type { Origin } from '../component/delivery.ts'
import type { Refused } from '../component/refused.ts'
import type { RequestLimiter } from '../component/request-limiting.ts'
import type { Abort } from '../component/cancellation.ts'
import type { Log } from '../component/context.ts'
import type { Slab } from '../data/memory/slab.ts'
import type { GrpcClientOptions } from './grpc-client-options.ts'
import type { GrpcServerOptions } from './grpc-server-options.ts'
import type { ListenAddress } from './address.ts'

/**
 * Unary gRPC as Telegen needs it: a path and bytes in, bytes out. What is inside the messages is the caller's. There may be
 * several implementations; all pass the same contract tests (`test/transport/grpc-*-contract.test.ts`), so that peers and components
 * cannot tell them apart.
 */

/** Keys in lower case; values of keys that end in `-bin` are base64, as on the wire. */
export type Metadata = ReadonlyMap<string, readonly string[]>

export interface UnaryCall {
  readonly metadata: Metadata
  /** `host:port`, or `unix`. */
  readonly peer: string
  /** What the client proved of itself, by its certificate and to the authenticator, where the options ask for that. */
  readonly auth?: AuthenticationData | undefined
  /** Fires when the client cancels, goes away, or its deadline passes. Made when it is asked for. */
  readonly abort: AbortSignal
}

interface Answering {
  /** Asked when the headers are there, before the message is read; a refusal is answered at once. */
  refuse?(call: UnaryCall): Refused | undefined
}

/** A `Refused` that a method rejects with is answered by the table of statuses, anything else is `internal`. Messages are inflated. */
export type UnaryMethod = BufferMethod | SlabMethod

/** Its messages are buffers of their own. */
export interface BufferMethod extends Answering {
  handle(message: Buffer, call: UnaryCall): Promise<Buffer>
}

/** Its messages are read straight into memory that it gives. */
export interface SlabMethod extends Answering {
  /**
   * At least `bytes` to begin to read a message into that is said to have `all`. A promise where senders are to wait for room. Throws
   * or rejects with a `Refused`, with which the call ends.
   */
  room(bytes: number, all: number, call: UnaryCall): Slab | Promise<Slab>
  /** A larger piece while a message grows, or for what is inflated. Throws a `Refused`: it never waits, as it may hold what others wait for. */
  reserve(bytes: number): Slab
  /** Answers the message in the first `length` bytes of `slab`, whose reference it takes over; by an empty message where it answers nothing. */
  take(message: SlabMessage, call: UnaryCall): Promise<Buffer | void>
}

export interface SlabMessage {
  readonly slab: Slab
  readonly length: number
}

export interface UnaryServer {
  readonly address: ListenAddress
  /** Takes no more connections and requests, answers what is under way, and drops what is left at `deadline`. */
  close(deadline: AbortSignal): Promise<void>
}

export interface UnaryServing {
  readonly methods: ReadonlyMap<string, UnaryMethod>
  readonly log: Log
  /** Judges each request by its metadata, before anything else is done with it. Given where `options.auth` asks for one. */
  readonly authenticator?: ServerAuthenticator | undefined
  /** Asked about each request after that, and told how long its message was. */
  readonly limiter?: RequestLimiter | undefined
  /** Told of each request that the authenticator or the limiter refused, and of each client that was cut off for its certificate. */
  readonly onRejected?: (refused: Refused) => void
}

/** Starts to listen; rejects where it cannot. Paths without a method are UNIMPLEMENTED. */
export type StartUnaryServer = (options: GrpcServerOptions, serving: UnaryServing) => Promise<UnaryServer>

export interface CallOptions {
  /** Milliseconds; sent to the server as its deadline. 0 means none. */
  readonly timeout: number
  /** Cancels the call. */
  readonly abort: Abort
  /** Besides the headers of the client's options. */
  readonly metadata?: Metadata
  /** For the authenticator: where the data came from. */
  readonly origin?: Origin
}

export interface UnaryClient {
  /**
   * Sends the concatenation of `message` and resolves to the answer. Rejects with a `Refused`, whatever goes wrong. The bytes are
   * the caller's again when it settles, and are never read afterwards.
   */
  call(path: string, message: readonly Buffer[], options: CallOptions): Promise<Buffer>
  close(): void
}

export interface ClientSurroundings {
  /** Gives each request its credentials. Given where `options.auth` asks for one. */
  readonly authenticator?: ClientAuthenticator | undefined
  /** Told where changed certificates cannot be used. */
  readonly log?: Log
}

/**
 * Reads certificates, opens nothing: connections are made when they are needed. Rejects where the authenticator is confidential and
 * the connection is in the clear.
 */
export type MakeUnaryClient = (options: GrpcClientOptions, surroundings?: ClientSurroundings) => Promise<UnaryClient>
