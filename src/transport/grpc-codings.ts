import * as grpc from '@grpc/grpc-js'
import { deflate } from './deflate.ts'
import type { ArrivingMessage } from './arriving-message.ts'
import { inflate, NotInflatable, TooLarge } from './inflate.ts'
import type { Room } from './inflate.ts'

/**
 * Codings of gRPC messages that grpc-js does not know and the Collector sends and takes. grpc-js has no way to add one: they are put
 * where it keeps its own, which it does not document. Where a new version has no such place, this throws, and its contract test fails.
 */

/** By gRPC's names, as HTTP names the same. gRPC's `snappy` is the framing format. */
const CODINGS: ReadonlyMap<string, string> = new Map([
  ['zstd', 'zstd'],
  ['snappy', 'x-snappy-framed'],
])
/** A server inflates by itself what grpc-js knows, too: grpc-js counts no memory but that of the message it is at. */
const SERVER_CODINGS: ReadonlyMap<string, string> = new Map([...CODINGS, ['gzip', 'gzip'], ['deflate', 'deflate']])
const ACCEPTED = ['identity', 'deflate', 'gzip', ...CODINGS.keys()].join(',')

/** Whether it is one that grpc-js must be taught. */
export const isTaught = (coding: string): boolean => CODINGS.has(coding)

/** Before a message: whether it is compressed, and its length in four bytes. */
const PREFIX_BYTES = 5
const DEFAULT_LEVEL = -1

type Decompress = (framed: Buffer, coding: string) => Buffer | Promise<Buffer>

/**
 * Lets the call of a server's interceptor inflate its message, never into more than `limit` bytes. `message` counts the memory; where
 * there is none, and for a second message of the call, the status is what `refused` says.
 */
export function teachServerCall(call: object, limit: number, message: ArrivingMessage, refused: RefusedMessage): void {
  const own = call as { decompressMessage?: Decompress }
  const known = own.decompressMessage
  if (typeof known !== 'function')
    throw new Error('this version of @grpc/grpc-js hides how its servers inflate messages')
  const room: Room = {
    take(bytes) {
      if (!message.take(bytes)) throw refused.noRoom
    },
    give: () => message.give(),
  }
  let messages = 0
  own.decompressMessage = async function (framed, coding) {
    if (++messages > 1) throw refused.second
    const http = SERVER_CODINGS.get(coding)
    if (http === undefined) return known.call(this, framed, coding)
    return message.inflating(() => inflated(framed, http, limit, room))
  }
}

/** Statuses. */
export interface RefusedMessage {
  readonly noRoom: object
  readonly second: object
}

/** Lets a client send its messages in `coding`, and take answers in any of these, never of more than `limit` bytes. */
export function teachClient(client: grpc.Client, coding: string, limit: number): void {
  const { internalChannel } = client.getChannel() as {
    internalChannel?: { filterStackFactory?: { factories?: object[] } }
  }
  const factories = internalChannel?.filterStackFactory?.factories
  if (!Array.isArray(factories)) throw new Error('this version of @grpc/grpc-js hides the filters of its clients')
  // After the last, which frames messages: it is told that they are plain.
  factories.push({ createFilter: () => new CodingFilter(coding, limit) })
}

interface Message {
  readonly message: Buffer
  readonly flags?: number
}

/** What grpc-js asks of a filter. */
class CodingFilter {
  readonly #coding: string
  readonly #limit: number
  #answer = ''

  constructor(coding: string, limit: number) {
    this.#coding = coding
    this.#limit = limit
  }

  async sendMetadata(metadata: Promise<grpc.Metadata>): Promise<grpc.Metadata> {
    const sent = await metadata
    sent.set('grpc-encoding', this.#coding)
    sent.set('grpc-accept-encoding', ACCEPTED)
    return sent
  }

  async sendMessage(message: Promise<Message>): Promise<Message> {
    const { message: framed, ...rest } = await message
    const body = await deflate(framed.subarray(PREFIX_BYTES), CODINGS.get(this.#coding)!, DEFAULT_LEVEL)
    return { message: frame(body, true), ...rest }
  }

  receiveMetadata(metadata: grpc.Metadata): grpc.Metadata {
    this.#answer = String(metadata.get('grpc-encoding')[0] ?? '')
    if (isTaught(this.#answer)) metadata.remove('grpc-encoding')
    return metadata
  }

  async receiveMessage(message: Promise<Buffer>): Promise<Buffer> {
    const framed = await message
    if (framed[0] !== 1 || !isTaught(this.#answer)) return framed
    return frame(await inflated(framed, CODINGS.get(this.#answer)!, this.#limit), false)
  }

  receiveTrailers(status: grpc.StatusObject): grpc.StatusObject {
    return status
  }
}

function frame(body: Buffer, isCompressed: boolean): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + body.length)
  framed[0] = isCompressed ? 1 : 0
  framed.writeUInt32BE(body.length, 1)
  body.copy(framed, PREFIX_BYTES)
  return framed
}

/** Rejects with what grpc-js makes a status of. `coding` by HTTP's name. */
async function inflated(framed: Buffer, coding: string, limit: number, room?: Room): Promise<Buffer> {
  const body = framed.subarray(PREFIX_BYTES)
  if (body.length === 0) return body
  try {
    return await inflate(body, coding, limit, room)
  } catch (error) {
    if (error instanceof TooLarge) {
      const details = `Received message that decompresses to a size larger than ${limit}`
      throw { code: grpc.status.RESOURCE_EXHAUSTED, details }
    }
    if (!(error instanceof NotInflatable)) throw error
    throw { code: grpc.status.INTERNAL, details: `Failed to decompress message: ${error.message}` }
  }
}
