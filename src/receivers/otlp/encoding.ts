import { encodeRpcStatus, fromJson, MalformedJson, Refused, rpcStatusJson } from '../../plugin.ts'
import type { HttpBody, RpcStatus, Signal, Slab, Wire } from '../../plugin.ts'

/** How a request is written, and so its answer. */
export interface Encoding {
  readonly mediaType: string
  /** An `Export…ServiceResponse` without a partial success. */
  readonly success: string
  status(status: RpcStatus): Buffer | string
  /** The wire bytes of a body, whose slab it takes over. Throws a `Refused`. */
  wire(signal: Signal, body: HttpBody, reserve: (bytes: number) => Slab): Wire
}

export const PROTOBUF: Encoding = {
  mediaType: 'application/x-protobuf',
  success: '',
  status: encodeRpcStatus,
  wire: (_signal, body) => body,
}

export const JSON: Encoding = {
  mediaType: 'application/json',
  // As the Collector writes it.
  success: '{"partialSuccess":{}}',
  status: rpcStatusJson,
  wire(signal, { slab, length }, reserve) {
    try {
      return fromJson(signal, slab.buffer.subarray(0, length), reserve)
    } catch (error) {
      if (!(error instanceof MalformedJson)) throw error
      throw new Refused(error.message, { code: 'invalid_argument', retry: 'never', cause: error })
    } finally {
      slab.release()
    }
  },
}

/** By media type, in the order in which they are named to who asks for another one. */
export const ENCODINGS: ReadonlyMap<string, Encoding> = new Map(
  [JSON, PROTOBUF].map((encoding) => [encoding.mediaType, encoding]),
)
