import { HEADER_BYTES, RECORD_BYTES } from '../../../src/receivers/ebpf/event.ts'

export interface EventFields {
  readonly type: number
  readonly time?: number
  readonly pid?: number
  readonly payload?: Uint8Array
  /** What its header says of its length, where that is not true. */
  readonly said?: number
  readonly isDiscarded?: boolean
}

/** Events as `Ring.drain` gives them. */
export const ringBytes = (...events: readonly EventFields[]): Buffer => Buffer.concat(events.map(record))

function record({ type, time = 1, pid = 7, payload = new Uint8Array(), said, isDiscarded }: EventFields): Buffer {
  const length = HEADER_BYTES + payload.length
  const bytes = Buffer.alloc(RECORD_BYTES + Math.ceil(length / 8) * 8)
  bytes.writeUInt32LE((length | (isDiscarded ? 0x4000_0000 : 0)) >>> 0, 0)
  bytes.writeUInt16LE(type, RECORD_BYTES)
  bytes.writeUInt16LE(1, RECORD_BYTES + 2)
  bytes.writeUInt32LE(said ?? length, RECORD_BYTES + 4)
  bytes.writeBigUInt64LE(BigInt(time), RECORD_BYTES + 8)
  bytes.writeUInt32LE(pid, RECORD_BYTES + 16)
  bytes.set(payload, RECORD_BYTES + HEADER_BYTES)
  return bytes
}

/** A ring that gives what a test puts into it. */
export class FakeRing {
  readonly waiting: Buffer[] = []
  readonly size = 16 * 1024 * 1024
  drains = 0
  /** Whether as much is drained at once as there is room for, or one buffer. */
  isPoured = false
  isClosed = false
  #woken: () => void = () => {}

  drain(target: Uint8Array): number {
    this.drains++
    let bytes = 0
    const most = this.isPoured ? Infinity : 1
    for (let each = 0; each < most && bytes + (this.waiting[0]?.length ?? Infinity) <= target.length; each++) {
      const next = this.waiting.shift()!
      target.set(next, bytes)
      bytes += next.length
    }
    return bytes
  }

  wake(listener: () => void): void {
    this.#woken = listener
  }

  get pending(): number {
    return this.waiting.reduce((sum, { length }) => sum + length, 0)
  }

  /** The kernel says that much waits. */
  wakeUp(): void {
    this.#woken()
  }

  close(): void {
    this.isClosed = true
  }
}
