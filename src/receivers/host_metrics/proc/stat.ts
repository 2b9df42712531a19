import type { Count } from '../count.ts'
import { Fields } from '../fields.ts'

/** CPU states as /proc/stat lists them from the left, and the `cpu.mode` that each belongs to. Guest time is contained in user and nice. */
const COLUMNS = ['user', 'nice', 'system', 'idle', 'iowait', 'interrupt', 'interrupt', 'steal'] as const
export type CpuMode = (typeof COLUMNS)[number]

/** The kernel counts CPU time for user space in hundredths of a second on every architecture that Node runs on. */
export const TICKS_A_SECOND = 100

/** More logical CPUs than any kernel can be built for. */
const MAX_CPUS = 16_384

export interface CpuTimes {
  /** The logical CPU's number; undefined for the sum of all. */
  readonly number: number | undefined
  /** Ticks by mode, for the modes that the kernel knows. */
  readonly ticks: ReadonlyMap<CpuMode, number>
}

export interface Stat {
  readonly total: CpuTimes | undefined
  readonly cpus: readonly CpuTimes[]
  /** Seconds since the Unix epoch. */
  readonly bootTime: number | undefined
  /** Forks since boot. */
  readonly processesCreated: Count | undefined
}

/** Reads /proc/stat (proc_stat(5)). */
export function parseStat(buffer: Buffer): Stat {
  const fields = new Fields(buffer)
  let total: CpuTimes | undefined
  const cpus: CpuTimes[] = []
  let bootTime: Count | undefined
  let processesCreated: Count | undefined
  while (fields.nextLine()) {
    const key = fields.word()
    if (key === 'cpu') total = cpuTimes(undefined, fields)
    else if (key === 'btime') bootTime = fields.integer()
    else if (key === 'processes') processesCreated = fields.integer()
    else if (key !== undefined && /^cpu\d{1,5}$/.test(key) && cpus.length < MAX_CPUS) {
      const times = cpuTimes(Number(key.slice(3)), fields)
      if (times) cpus.push(times)
    }
  }
  return { total, cpus, bootTime: typeof bootTime === 'number' ? bootTime : undefined, processesCreated }
}

function cpuTimes(number: number | undefined, fields: Fields): CpuTimes | undefined {
  const ticks = new Map<CpuMode, number>()
  for (const mode of COLUMNS) {
    const value = fields.integer()
    if (value === undefined) break
    ticks.set(mode, (ticks.get(mode) ?? 0) + Number(value))
  }
  return ticks.has('idle') ? { number, ticks } : undefined
}
