import type { Slab } from '../../data/memory/slab.ts'
import { InflatedBytes } from '../arriving-message.ts'
import { NotInflatable, TooLarge } from '../inflate.ts'
import { inflateMessage } from '../message-codings.ts'
import type { SlabMessage } from '../unary.ts'
import { internal, NO_ROOM, tooLarge } from './refusals.ts'

/** What is inflated takes as much beside the slab that it goes to, until it is there: over all connections of the process. */
const inflating = new InflatedBytes()

export interface Inflating {
  /** By gRPC's name. */
  readonly coding: string
  /** Bytes that it may have. */
  readonly largest: number
  /** Memory for what comes of it. */
  reserve(bytes: number): Slab
}

/**
 * Inflates a message into memory of its method, at once where it is small. Takes over the slab of `sent`, whatever becomes of it. Throws or
 * rejects with the `Refused`.
 */
export function inflatedMessage(
  { slab: sent, length }: SlabMessage,
  how: Inflating,
): SlabMessage | Promise<SlabMessage> {
  const room = new Room(how)
  const body = sent.buffer.subarray(0, length)
  let isLater = false
  try {
    const inflated = inflateMessage(body, how.coding, how.largest, room)
    if (!(inflated instanceof Promise)) return room.filled(inflated)
    isLater = true
    return later(inflated, room, sent)
  } catch (error) {
    throw room.failed(error)
  } finally {
    if (!isLater) sent.release()
  }
}

async function later(inflated: Promise<Buffer>, room: Room, sent: Slab): Promise<SlabMessage> {
  try {
    return room.filled(await inflated)
  } catch (error) {
    throw room.failed(error)
  } finally {
    sent.release()
  }
}

/** The slab that the inflated message goes to. */
class Room {
  readonly #how: Inflating
  #slab: Slab | undefined
  #held = 0

  constructor(how: Inflating) {
    this.#how = how
  }

  take(bytes: number): void {
    if (!inflating.take(bytes)) throw NO_ROOM
    this.#held = bytes
    this.#slab = this.#how.reserve(bytes)
  }

  give(): void {
    this.#slab?.release()
    this.#slab = undefined
    this.#let()
  }

  filled(inflated: Buffer): SlabMessage {
    const slab = this.#slab ?? this.#how.reserve(inflated.length)
    inflated.copy(slab.buffer)
    this.#let()
    return { slab, length: inflated.length }
  }

  /** What is said of it. */
  failed(error: unknown): unknown {
    this.give()
    if (error instanceof TooLarge) return tooLarge(`inflated, ${this.#how.largest} at most`)
    return error instanceof NotInflatable ? internal(`Failed to decompress message: ${error.message}`) : error
  }

  #let(): void {
    inflating.give(this.#held)
    this.#held = 0
  }
}
