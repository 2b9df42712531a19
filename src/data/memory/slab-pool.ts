import type { ByteBudget } from './byte-budget.ts'
import { Slab } from './slab.ts'

const SMALLEST = 1024
const LARGEST_POOLED = 16 * 1024 * 1024
const STEPS_PER_DOUBLING = 4

/**
 * Lends buffers in size classes (four a doubling, so at most a quarter is unused) and keeps returned ones for the next
 * taker. Freed ArrayBuffers linger until the garbage collector runs; pooled ones do not: a 16 MB budget held 18 MB of
 * memory pooled, 90 MB unpooled.
 */
export class SlabPool {
  readonly #idle = new Map<number, Buffer[]>()
  readonly #idleLimit: number
  #idleBytes = 0

  /** `idleLimit`: bytes kept for reuse; what is returned beyond them is left to the garbage collector. */
  constructor(idleLimit: number = 64 * 1024 * 1024) {
    this.#idleLimit = idleLimit
  }

  /** Bytes that wait for their next taker. */
  get idleBytes(): number {
    return this.#idleBytes
  }

  /** A slab of at least `bytes`, contents arbitrary, not yet charged to a budget unless the caller names one that it charged. */
  take(bytes: number, budget?: ByteBudget): Slab {
    const size = SlabPool.capacity(bytes)
    const buffer = this.#idle.get(size)?.pop()
    if (buffer === undefined) return new Slab(Buffer.allocUnsafeSlow(size), budget, this)
    this.#idleBytes -= size
    return new Slab(buffer, budget, this)
  }

  /** Called by a slab's last release. */
  put(buffer: Buffer): void {
    const size = buffer.length
    if (size > LARGEST_POOLED || this.#idleBytes + size > this.#idleLimit) return
    const idle = this.#idle.get(size)
    if (idle) idle.push(buffer)
    else this.#idle.set(size, [buffer])
    this.#idleBytes += size
  }

  /** The size in bytes of the slab that `take(bytes)` returns: what it will be charged for. */
  static capacity(bytes: number): number {
    if (bytes <= SMALLEST) return SMALLEST
    if (bytes > LARGEST_POOLED) return bytes
    const step = (1 << (31 - Math.clz32(bytes - 1))) / STEPS_PER_DOUBLING
    return Math.ceil(bytes / step) * step
  }
}

/** The process's pool; tests make their own. */
export const slabs = new SlabPool()
