import * as grpc from '@grpc/grpc-js'
import type { ArrivingMessage } from './arriving-message.ts'
import { NotInflatable, TooLarge } from './inflate.ts'
import type { Room } from './inflate.ts'
import { compressMessage, inflateMessage, MESSAGE_CODINGS } from './message-codings.ts'

/**
 * Codings of gRPC messages that grpc-js does not know and the Collector sends and takes. grpc-js has no way to add one: they are put
 * where it keeps its own, which it does not document. Where a new version has no such place, this throws, and its contract test fails.
 */

/** Those that it must be taught. */
const TAUGHT: ReadonlySet<string> = new Set(['zstd', 'snappy'])
const ACCEPTED = ['identity', ...MESSAGE_CODINGS.keys()].join(',')

/** Before a message: whether it is compressed, and its length in four bytes. */
const PREFIX_BYTES = 5

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
    // What grpc-js knows, too: it counts no memory but that of the message it is at.
    if (!MESSAGE_CODINGS.has(coding)) return known.call(this, framed, coding)
    return message.inflating(() => inflated(framed, coding, limit, room))
  }
}

/** Statuses. */
export interface RefusedMessage {
  readonly noRoom: object
  readonly second: object
}

/** Lets a client send its messages in `coding` at a `level`, which grpc-js lets nobody choose, and take answers in any of these, never of more than `limit` bytes. */
export function teachClient(client: grpc.Client, coding: string, level: number, limit: number): void {
  const { internalChannel } = client.getChannel() as {
    internalChannel?: { filterStackFactory?: { factories?: object[] } }
  }
  const factories = internalChannel?.filterStackFactory?.factories
  if (!Array.isArray(factories)) throw new Error('this version of @grpc/grpc-js hides the filters of its clients')
  // After the last, which frames messages: it is told that they are plain.
  factories.push({ createFilter: () => new CodingFilter(coding, level, limit) })
}

interface Message {
  readonly message: Buffer
  readonly flags?: number
}

/** What grpc-js asks of a filter. */
class CodingFilter {
  readonly #coding: string
  readonly #level: number
  readonly #limit: number
  #answer = ''

  constructor(coding: string, level: number, limit: number) {
    this.#coding = coding
    this.#level = level
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
    const body = await compressMessage([framed.subarray(PREFIX_BYTES)], this.#coding, this.#level)
    return { message: frame(body, true), ...rest }
  }

  receiveMetadata(metadata: grpc.Metadata): grpc.Metadata {
    this.#answer = String(metadata.get('grpc-encoding')[0] ?? '')
    if (TAUGHT.has(this.#answer)) metadata.remove('grpc-encoding')
    return metadata
  }

  async receiveMessage(message: Promise<Buffer>): Promise<Buffer> {
    const framed = await message
    if (framed[0] !== 1 || !TAUGHT.has(this.#answer)) return framed
    return frame(await inflated(framed, this.#answer, this.#limit), false)
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

/** Rejects with what grpc-js makes a status of. */
async function inflated(framed: Buffer, coding: string, limit: number, room?: Room): Promise<Buffer> {
  try {
    return await inflateMessage(framed.subarray(PREFIX_BYTES), coding, limit, room)
  } catch (error) {
    if (error instanceof TooLarge) {
      const details = `Received message that decompresses to a size larger than ${limit}`
      throw { code: grpc.status.RESOURCE_EXHAUSTED, details }
    }
    if (!(error instanceof NotInflatable)) throw error
    throw { code: grpc.status.INTERNAL, details: `Failed to decompress message: ${error.message}` }
  }
}
