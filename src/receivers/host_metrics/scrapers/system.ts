import { Options } from '../../../plugin.ts'
import { Fields } from '../fields.ts'
import type { MetricTable } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import type { Host, Scraper } from '../scraper.ts'

export const systemMetrics = {
  'system.uptime': {
    kind: 'gauge',
    unit: 's',
    value: 'double',
    enabled: true,
    description: 'The time the system has been running.',
  },
} satisfies MetricTable

export const systemOptions = Options({ metrics: metricSwitches(systemMetrics) }, { description: 'Uptime.' })

/** Reads /proc/uptime (proc_uptime(5)), which goes on while the machine sleeps. */
export function system({ files }: Host): Scraper {
  return async (abort) => {
    const fields = new Fields(await files.read('/proc/uptime', abort))
    fields.nextLine()
    const uptime = fields.decimal()
    return (to) => {
      if (uptime === undefined) to.fault('/proc/uptime does not tell the uptime')
      else to.add('system.uptime', uptime)
    }
  }
}
