import { EVENT_SOCKET_DATA, SOCKET_DATA as AT, SOCKET_DATA_BYTES, SOCKET_VERSION, TAIL_BYTES } from './event.ts'
import { viewOf } from './view-of.ts'

const TWO_TO_32 = 0x1_0000_0000
/** How an event of data begins: its type and its version. */
const FIRST_WORD = EVENT_SOCKET_DATA | (SOCKET_VERSION << 16)

/**
 * An event of data, read where it lies: one object for all of them, good until the next. Each says a dozen numbers, and a view reads a number
 * in a fraction of what Buffer's own methods take.
 */
export class DataEvent {
  buffer: Buffer = Buffer.alloc(0)
  at = 0
  /** When the call ended. */
  time = 0
  direction = 0
  /** Bytes moved, and how many of them, the first, stand here from `from` on. */
  bytes = 0
  captured = 0
  from = 0
  #view = viewOf(this.buffer)

  /** False where it is none, or what it says about its lengths cannot be. `length` is at least that of a header. */
  read(buffer: Buffer, at: number, length: number): boolean {
    const view = viewOf(buffer)
    if (length < SOCKET_DATA_BYTES || view.getInt32(at, true) !== FIRST_WORD) return false
    this.#view = view
    this.buffer = buffer
    // Four fields side by side: two bytes captured, one of direction, one of protocol.
    const word = view.getInt32(at + AT.captured, true)
    this.at = at
    this.captured = word & 0xffff
    this.direction = (word >>> 16) & 0xff
    this.bytes = view.getUint32(at + AT.bytes, true)
    this.from = at + SOCKET_DATA_BYTES
    this.time = this.#number(AT.header + 8)
    return (
      SOCKET_DATA_BYTES + this.captured <= length &&
      this.captured <= this.bytes &&
      buffer[at + AT.tail_bytes]! <= TAIL_BYTES &&
      this.direction <= 1
    )
  }

  get connection(): number {
    return this.#number(AT.connection)
  }
  get protocol(): number {
    return this.buffer[this.at + AT.protocol]!
  }
  get sequence(): number {
    return this.#view.getUint32(this.at + AT.sequence, true)
  }
  get pid(): number {
    return this.#view.getUint32(this.at + 16, true)
  }
  get tid(): number {
    return this.#view.getUint32(this.at + 20, true)
  }

  /** When the call began; it cannot have begun after it ended. */
  get began(): number {
    const began = this.#number(AT.began)
    return began > 0 && began < this.time ? began : this.time
  }

  /** Whether nothing moved this way before it since the direction changed. */
  get isFirst(): boolean {
    return this.#view.getUint32(this.at + AT.run, true) === 0
  }

  /** Of what was not captured, how many bytes stand at the end of the tail. */
  get tail(): number {
    return Math.min(this.buffer[this.at + AT.tail_bytes]!, this.bytes - this.captured)
  }
  get tailEnd(): number {
    return this.at + AT.tail + this.buffer[this.at + AT.tail_bytes]!
  }

  /** A u64: exact below 2^53. */
  #number(field: number): number {
    const at = this.at + field
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * TWO_TO_32
  }
}
