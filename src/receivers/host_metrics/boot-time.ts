import type { Clock } from '../../plugin.ts'
import type { HostFiles } from './host-files.ts'
import { parseStat } from './proc/stat.ts'

/** Setting the clock moves the boot time that the kernel tells, by a second now and then and by years on machines without a battery. Only the latter is worth a new start of every counter. */
const TOLERANCE_SECONDS = 60

/** When the host booted, in nanoseconds since the Unix epoch: the start of its counters, so it must not waver. */
export class BootTime {
  readonly #files: HostFiles
  readonly #clock: Clock
  #seconds: number | undefined
  /** By how much the wall clock is ahead of the monotonic one: changes when the clock is set. */
  #offset = 0

  constructor(files: HostFiles, clock: Clock) {
    this.#files = files
    this.#clock = clock
  }

  async read(abort: AbortSignal): Promise<bigint> {
    const offset = this.#clock.now() - this.#clock.monotonic()
    if (this.#seconds === undefined || Math.abs(offset - this.#offset) > TOLERANCE_SECONDS * 1000) {
      const seconds = parseStat(await this.#files.read('/proc/stat', abort)).bootTime
      if (seconds === undefined) throw new Error('/proc/stat does not tell the boot time (btime)')
      if (this.#seconds === undefined || Math.abs(seconds - this.#seconds) > TOLERANCE_SECONDS) this.#seconds = seconds
      this.#offset = offset
    }
    return BigInt(this.#seconds) * 1_000_000_000n
  }
}
