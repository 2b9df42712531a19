import { type Batch, overdrawnSlab, WireBatch } from '../batch.ts'
import type { ByteBudget } from '../memory/byte-budget.ts'
import type { Signal } from '../signal.ts'
import { varintSize, writeVarint } from '../wire/write.ts'
import { LENGTH } from '../wire/varint.ts'

/** Numbers that one step of a plan takes. */
const STEP = 3
const SMALLEST = 1024 * STEP
/** The most memory, in numbers, that is kept from one plan to the next. */
const LARGEST = 1 << 18

/**
 * What one part of a split will consist of, as a plan: pieces of the input to copy, and containers to open, whose
 * lengths are known when they close. So the size of the part is known to the byte before memory is taken for it.
 */
export class Part {
  items = 0
  /** Of what is closed; `Container.content` of the outermost open one comes on top. */
  bytes = 0
  #steps = new Int32Array(SMALLEST)
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  clear(): void {
    this.items = 0
    this.bytes = 0
    this.#length = 0
    if (this.#steps.length > LARGEST) this.#steps = new Int32Array(SMALLEST)
  }

  /**
   * Plans to copy `start` to `end` of the input's segment of that index; follows on what was copied last where it
   * can.
   */
  copy(segment: number, start: number, end: number): void {
    const last = this.#length - STEP
    if (last >= 0 && this.#steps[last] === segment && this.#steps[last + 2] === start) this.#steps[last + 2] = end
    else if (end > start) this.#push(segment, start, end)
  }

  /** Plans to begin a container in this field of the one around it; returns what `close` wants to know. */
  open(field: number): number {
    this.#push(-field, 0, 0)
    return this.#length - STEP
  }

  close(opened: number, content: number): void {
    this.#steps[opened + 1] = content
  }

  /** Makes a batch of the plan, charged as inside work. */
  build<S extends Signal>(signal: S, segments: readonly Buffer[], budget: ByteBudget | undefined): Batch<S> {
    const slab = overdrawnSlab(this.bytes, budget)
    const target = slab.buffer
    let at = 0
    for (let index = 0; index < this.#length; index += STEP) {
      const what = this.#steps[index]!
      const from = this.#steps[index + 1]!
      if (what < 0) {
        target[at] = (-what << 3) | LENGTH
        at = writeVarint(target, at + 1, from)
      } else at += segments[what]!.copy(target, at, from, this.#steps[index + 2])
    }
    return new WireBatch(signal, this.items, [{ slab, buffer: target.subarray(0, at) }])
  }

  #push(what: number, from: number, to: number): void {
    if (this.#length === this.#steps.length) {
      const larger = new Int32Array(this.#steps.length * 2)
      larger.set(this.#steps)
      this.#steps = larger
    }
    this.#steps[this.#length++] = what
    this.#steps[this.#length++] = from
    this.#steps[this.#length++] = to
  }
}

/** Bytes that a container of `content` bytes takes: its tag, which is a single byte, its length and its content. */
export function enclosed(content: number): number {
  return 1 + varintSize(content) + content
}
