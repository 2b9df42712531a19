import { Options, Type } from '../../../plugin.ts'
import { Fields } from '../fields.ts'
import type { MetricDefinition } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import { parseStat } from '../proc/stat.ts'
import type { Host, Scraper } from '../scraper.ts'

/** The conventions have no load average; these are the Collector's names. */
const average = (minutes: string): MetricDefinition => ({
  kind: 'gauge',
  unit: '{thread}',
  value: 'double',
  enabled: true,
  description: `Threads that run or wait to run, or wait for a disk, averaged over ${minutes}.`,
})

export const loadMetrics = {
  'system.cpu.load_average.1m': average('1 minute'),
  'system.cpu.load_average.5m': average('5 minutes'),
  'system.cpu.load_average.15m': average('15 minutes'),
}

export const loadOptions = Options(
  {
    metrics: metricSwitches(loadMetrics),
    cpu_average: Type.Boolean({ default: false, description: 'Divides the averages by the number of logical CPUs.' }),
  },
  { description: 'Load averages.' },
)

/** Reads /proc/loadavg (proc_loadavg(5)): `0.22 0.20 0.22 1/92 6551`. */
export function load({ files, options }: Host<{ readonly cpu_average: boolean }>): Scraper {
  return async (abort) => {
    const fields = new Fields(await files.read('/proc/loadavg', abort))
    const cpus = options.cpu_average ? parseStat(await files.read('/proc/stat', abort)).cpus.length : 1
    fields.nextLine()
    const averages = Object.keys(loadMetrics).map((name) => [name, fields.decimal()] as const)
    return (to) => {
      for (const [name, value] of averages) {
        if (value === undefined || cpus === 0) to.fault(`${name} is not in /proc/loadavg`)
        else to.add(name, value / cpus)
      }
    }
  }
}
