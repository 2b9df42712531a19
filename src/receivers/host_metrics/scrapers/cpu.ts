import { Options, Type } from '../../../plugin.ts'
import { CounterStarts } from '../counter-starts.ts'
import { CpuHistory } from '../cpu-history.ts'
import type { MetricDefinition, MetricTable, Recorder } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import { countCores, readFrequencies } from '../proc/cpus.ts'
import type { CpuTimes, Stat } from '../proc/stat.ts'
import { TICKS_A_SECOND, parseStat } from '../proc/stat.ts'
import type { Host, Scraper } from '../scraper.ts'
import { attempt } from '../scraper.ts'

const count = (description: string): MetricDefinition => ({
  kind: 'up_down_counter',
  unit: '{cpu}',
  value: 'int',
  enabled: false,
  description,
})

export const cpuMetrics = {
  'system.cpu.time': {
    kind: 'counter',
    unit: 's',
    value: 'double',
    enabled: true,
    description: 'Seconds each logical CPU spent on each mode.',
  },
  'system.cpu.utilization': {
    kind: 'gauge',
    unit: '1',
    value: 'double',
    enabled: false,
    description: 'Share of the CPU time since the last scrape that was spent on each mode.',
  },
  'system.cpu.logical.count': count('Reports the number of logical (virtual) processor cores.'),
  'system.cpu.physical.count': count('Reports the number of actual physical processor cores on the hardware.'),
  'system.cpu.frequency': {
    kind: 'gauge',
    unit: 'Hz',
    value: 'int',
    enabled: false,
    description: 'Operating frequency of the logical CPU in Hertz.',
  },
} satisfies MetricTable

export const cpuOptions = Options(
  {
    metrics: metricSwitches(cpuMetrics),
    per_cpu: Type.Boolean({
      default: false,
      description: 'Reports times and utilizations of each logical CPU (`cpu.logical_number`) instead of their sum.',
    }),
  },
  { description: 'CPU times.' },
)

/** Reads /proc/stat, and cores and frequencies from /sys. */
export function cpu({ files, options, enabled }: Host<{ readonly per_cpu: boolean }>): Scraper {
  const starts = new CounterStarts()
  const history = new CpuHistory()
  return async (abort) => {
    const stat = parseStat(await files.read('/proc/stat', abort))
    const numbers = stat.cpus.map((times) => times.number as number)
    const wantsCores = enabled.has('system.cpu.physical.count')
    const cores = wantsCores ? await attempt(countCores(files, numbers, abort)) : undefined
    const wantsFrequencies = enabled.has('system.cpu.frequency')
    const frequencies = wantsFrequencies ? await attempt(readFrequencies(files, numbers, abort)) : undefined
    return (to) => {
      starts.begin(to.time)
      history.begin()
      for (const times of wanted(stat, options.per_cpu, to)) addTimes(to, starts, history, times)
      if (numbers.length > 0) to.add('system.cpu.logical.count', numbers.length)
      const known = to.known(cores)
      if (known !== undefined) to.add('system.cpu.physical.count', known)
      for (const [number, hertz] of to.known(frequencies) ?? []) to.add('system.cpu.frequency', hertz, numberOf(number))
    }
  }
}

function wanted(stat: Stat, perCpu: boolean, to: Recorder): readonly CpuTimes[] {
  const times = perCpu ? stat.cpus : stat.total === undefined ? [] : [stat.total]
  if (times.length === 0) to.fault('/proc/stat does not tell the CPU times')
  return times
}

function addTimes(to: Recorder, starts: CounterStarts, history: CpuHistory, times: CpuTimes): void {
  const attributes = numberOf(times.number)
  for (const [mode, ticks] of history.steady(times)) {
    const start = starts.start(`${times.number} ${mode}`, ticks)
    to.add('system.cpu.time', ticks / TICKS_A_SECOND, { ...attributes, 'cpu.mode': mode }, start ?? to.boot)
  }
  for (const [mode, share] of history.utilization(times.number) ?? [])
    to.add('system.cpu.utilization', share, { ...attributes, 'cpu.mode': mode })
}

const numberOf = (cpu: number | undefined) => (cpu === undefined ? {} : { 'cpu.logical_number': cpu })
