import type { Addon } from './addon.ts'
import { Unavailable } from './loader.ts'
import type { RingSource } from './loader.ts'
import { reasonOf } from './reasons.ts'

/** As `bpf/include/event.h` has them. */
const RING_BYTES = 16 * 1024 * 1024
const VERDICTS = { name: 'verdicts', type: 'lru_hash', keySize: 4, valueSize: 1, maxEntries: 16384 } as const
/** A page of the kernels whose pages are largest (arm64). */
const RING_BYTES_MIN = 65_536
/** The largest power of two that a ring's size, a u32, can be. */
const RING_BYTES_MAX = 2 ** 31

/** The maps that all objects have in common (`SHARED_MAPS`), made when they are first needed. */
export class SharedMaps {
  readonly #addon: Addon
  #ring: RingSource | undefined
  #verdicts: number | undefined

  constructor(addon: Addon) {
    this.#addon = addon
  }

  ring(bytes: number): RingSource {
    return (this.#ring ??= this.#makeRing(bytes))
  }

  descriptors(): Record<string, number> {
    const { descriptor } = this.ring(RING_BYTES)
    this.#verdicts ??= this.#make(VERDICTS)
    return { events: descriptor, verdicts: this.#verdicts }
  }

  close(): void {
    for (const descriptor of [this.#ring?.descriptor, this.#verdicts])
      if (descriptor !== undefined) this.#addon.closeDescriptor(descriptor)
    this.#ring = undefined
    this.#verdicts = undefined
  }

  #makeRing(wanted: number): RingSource {
    const bytes = Math.min(RING_BYTES_MAX, 2 ** Math.ceil(Math.log2(Math.max(wanted, RING_BYTES_MIN))))
    const descriptor = this.#make({ name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: bytes })
    return { descriptor, bytes }
  }

  #make(spec: Parameters<Addon['createMap']>[0]): number {
    try {
      return this.#addon.createMap(spec)
    } catch (thrown) {
      throw new Unavailable(reasonOf(thrown))
    }
  }
}
