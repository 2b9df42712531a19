import type { Clock, Timer } from '../../plugin.ts'

/** What is read from the ring at once. */
export const DRAIN_BYTES = 256 * 1024
/** Buffers that are read in one go, before timers and messages have their turn. */
const BUFFERS_PER_TURN = 8
/** Milliseconds until the ring is looked at again, at least and at most: on a quiet host each look costs more than what it finds. */
const BUSY_MS = 5
const IDLE_MS = 250
/** What should come in a pause, as a share of what the kernel wakes us at: each event beyond that costs who makes it a wake-up. */
const SHARE_PER_PAUSE = 1 / 2
/** That many bytes, or a quarter of a small ring: each turn costs as much as some dozen events do. */
const WAKE_BYTES = 512 * 1024
const WAKE_SHARE = 1 / 4
/** Turns at the end: 2 GiB, more than a ring has, so that programs which are still attached do not keep us. */
const LAST_TURNS = 1024

/** From so much on that waits in the ring, the kernel wakes who reads it (`wake_bytes` of the programs). */
export const wakeBytes = (ringBytes: number): number => Math.min(WAKE_BYTES, ringBytes * WAKE_SHARE)

export interface PumpRing {
  readonly size: number
  drain(target: Uint8Array): number
  wake(listener: () => void): void
}

export interface PumpOptions {
  readonly ring: PumpRing
  readonly clock: Clock
  /** Returns how many events there were. */
  readonly read: (buffer: Buffer, bytes: number) => number
  /** True while nothing may be read: what is under way has reached its bound. What comes then stays in the ring. */
  readonly isHeld: () => boolean
  /** After each turn, also while held: what is due by time. */
  readonly afterTurn: () => void
}

/** Reads the ring: by a timer, the more often the more comes, and at once when the kernel says that much waits. */
export class Pump {
  readonly #options: PumpOptions
  readonly #buffer = Buffer.allocUnsafeSlow(DRAIN_BYTES)
  readonly #bytesPerPause: number
  #timer: Timer | undefined
  #pause = BUSY_MS
  /** Bytes of the last turn. */
  #bytes = 0
  #ended = false

  constructor(options: PumpOptions) {
    this.#options = options
    this.#bytesPerPause = wakeBytes(options.ring.size) * SHARE_PER_PAUSE
  }

  start(): void {
    this.#options.ring.wake(() => this.wake())
    this.#turn()
  }

  /** Much waits, or what was under way has arrived: reads on at once. */
  wake(): void {
    if (this.#ended || this.#options.isHeld()) return
    this.#timer?.cancel()
    this.#turn()
  }

  /** Reads what is there, as far as it may, and nothing more afterwards. */
  end(): void {
    this.#ended = true
    this.#timer?.cancel()
    for (let turn = 0; turn < LAST_TURNS && !this.#options.isHeld(); turn++) if (this.#drain() !== 'more') return
  }

  #turn(): void {
    this.#bytes = 0
    const state = this.#options.isHeld() ? 'none' : this.#drain()
    const longer = Math.min(this.#pause * 2, IDLE_MS)
    const enough = this.#bytes === 0 ? longer : (this.#pause * this.#bytesPerPause) / this.#bytes
    this.#pause = Math.max(BUSY_MS, Math.min(longer, Math.round(enough)))
    this.#options.afterTurn()
    if (this.#ended) return
    this.#timer = this.#options.clock.after(state === 'more' ? 0 : this.#pause, () => this.#turn())
  }

  #drain(): 'none' | 'all' | 'more' {
    const { ring, read, isHeld } = this.#options
    let events = 0
    for (let buffer = 0; buffer < BUFFERS_PER_TURN; buffer++) {
      const bytes = ring.drain(this.#buffer)
      if (bytes === 0) return events === 0 ? 'none' : 'all'
      this.#bytes += bytes
      events += read(this.#buffer, bytes)
      // Half a buffer: the producers are slower than we, and the rest can wait for its turn.
      if (bytes < DRAIN_BYTES / 2) return 'all'
      if (isHeld()) return 'all'
    }
    return 'more'
  }
}
