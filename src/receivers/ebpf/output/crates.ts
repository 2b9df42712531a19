import type { Batch, Signal } from '../../../plugin.ts'
import type { BatchMessage } from '../messages.ts'

/** Bytes of a crate: what is sent at once is less, but where a batch waited for a crate. */
export const CRATE_BYTES = 1024 * 1024
/** Crates under way at once. When all are, nothing more is read from the ring until one comes back. */
export const MOST_CRATES = 8

type Post = (message: BatchMessage) => void

/**
 * What carries batches to the main thread: memory that goes there and comes back, so that no garbage is made, and so that what is under way
 * has a bound. While the gate is closed crates do not come back.
 */
export class Crates {
  readonly #post: Post
  readonly #idle: ArrayBuffer[] = []
  readonly #underWay = new Map<Signal, number>()
  #taken = 0

  constructor(post: Post) {
    this.#post = post
  }

  get areAllUnderWay(): boolean {
    return this.#taken >= MOST_CRATES
  }

  /** Crates of this signal that have not come back. */
  underWay(signal: Signal): number {
    return this.#underWay.get(signal) ?? 0
  }

  /** Sends what builders made as one request, which is what they are when joined. Releases them. */
  send(signal: Signal, batches: readonly Batch[]): void {
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0)
    const items = batches.reduce((sum, batch) => sum + batch.items, 0)
    const crate = this.#take(signal, bytes)
    const into = new Uint8Array(crate)
    let at = 0
    for (const batch of batches) {
      for (const segment of batch.segments()) {
        into.set(segment, at)
        at += segment.length
      }
      batch.release()
    }
    this.#post({ kind: 'batch', signal, items, bytes, crate })
  }

  giveBack(signal: Signal, crate: ArrayBuffer): void {
    this.#taken--
    this.#underWay.set(signal, this.underWay(signal) - 1)
    if (crate.byteLength === CRATE_BYTES) this.#idle.push(crate)
  }

  /** What is too large for a crate gets one of its own, which is not kept. */
  #take(signal: Signal, bytes: number): ArrayBuffer {
    this.#taken++
    this.#underWay.set(signal, this.underWay(signal) + 1)
    if (bytes > CRATE_BYTES) return new ArrayBuffer(bytes)
    return this.#idle.pop() ?? new ArrayBuffer(CRATE_BYTES)
  }
}
