import { Fields } from '../fields.ts'
import type { HostFiles } from '../host-files.ts'

const FOLDER = '/sys/devices/system/cpu'

/** How many cores the logical CPUs belong to: those of one core have the same list of siblings. */
export async function countCores(files: HostFiles, cpus: readonly number[], abort: AbortSignal): Promise<number> {
  const cores = new Set<string>()
  for (const cpu of cpus) {
    const siblings = await files.read(`${FOLDER}/cpu${cpu}/topology/thread_siblings_list`, abort)
    cores.add(siblings.toString('latin1').trim())
  }
  if (cores.size === 0) throw new Error('/proc/stat tells no CPUs')
  return cores.size
}

/** The current frequency of each CPU in Hz, of those that tell it: from the driver, or else, as on virtual machines, from /proc/cpuinfo. */
export async function readFrequencies(files: HostFiles, cpus: readonly number[], abort: AbortSignal) {
  const frequencies = new Map<number, number>()
  for (const cpu of cpus) {
    const kilohertz = await files.readIfThere(`${FOLDER}/cpu${cpu}/cpufreq/scaling_cur_freq`, abort)
    const value = kilohertz && Number.parseInt(kilohertz.toString('latin1'), 10)
    if (value) frequencies.set(cpu, value * 1000)
  }
  if (frequencies.size > 0) return frequencies
  const fromInfo = parseCpuFrequencies(await files.read('/proc/cpuinfo', abort))
  if (fromInfo.size === 0) throw new Error('neither /sys nor /proc/cpuinfo tells the frequency of the CPUs')
  return fromInfo
}

/** Reads `processor : 0` and `cpu MHz : 2499.998` of /proc/cpuinfo, which ARM has not. */
export function parseCpuFrequencies(buffer: Buffer): Map<number, number> {
  const frequencies = new Map<number, number>()
  const fields = new Fields(buffer)
  let cpu: number | undefined
  while (fields.nextLine()) {
    const key = fields.upTo(':')
    if (key !== 'processor' && key !== 'cpu MHz') continue
    const value = fields.decimal()
    if (key === 'processor') cpu = value
    else if (cpu !== undefined && value !== undefined) frequencies.set(cpu, Math.round(value * 1_000_000))
  }
  return frequencies
}
