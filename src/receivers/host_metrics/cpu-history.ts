import type { CpuMode, CpuTimes } from './proc/stat.ts'
import { TICKS_A_SECOND } from './proc/stat.ts'

/** Idle and I/O wait may go back a little (proc_stat(5)); a CPU that was taken out and put back goes back more. */
const BACKWARD_LIMIT_TICKS = 3 * TICKS_A_SECOND

interface Past {
  readonly ticks: ReadonlyMap<CpuMode, number>
}

/** The CPU times of the scrape before: makes counters of times that waver, and shares of their growth. */
export class CpuHistory {
  #past = new Map<number | undefined, Past>()
  #next = new Map<number | undefined, Past>()

  /** A scrape follows: CPUs that the one before did not see are forgotten. */
  begin(): void {
    this.#past = this.#next
    this.#next = new Map()
  }

  /** The times, held where they went back a little. Call it once for each CPU and scrape. */
  steady(times: CpuTimes): ReadonlyMap<CpuMode, number> {
    const past = this.#past.get(times.number)?.ticks
    const ticks = new Map<CpuMode, number>()
    for (const [mode, value] of times.ticks) {
      const before = past?.get(mode) ?? 0
      ticks.set(mode, value < before && before - value <= BACKWARD_LIMIT_TICKS ? before : value)
    }
    this.#next.set(times.number, { ticks })
    return ticks
  }

  /** Which share of its time the CPU spent in each mode since the scrape before; undefined where that is not known. */
  utilization(cpu: number | undefined): ReadonlyMap<CpuMode, number> | undefined {
    const [past, now] = [this.#past.get(cpu)?.ticks, this.#next.get(cpu)?.ticks]
    if (past === undefined || now === undefined) return undefined
    const growth = [...now].map(([mode, ticks]) => [mode, ticks - (past.get(mode) ?? ticks)] as const)
    const total = growth.reduce((sum, [, ticks]) => sum + ticks, 0)
    if (total <= 0 || growth.some(([, ticks]) => ticks < 0)) return undefined
    return new Map(growth.map(([mode, ticks]) => [mode, ticks / total]))
  }
}
