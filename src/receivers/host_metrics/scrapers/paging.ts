import { Options } from '../../../plugin.ts'
import type { Count } from '../count.ts'
import { minus } from '../count.ts'
import type { MetricTable, Recorder } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import { parseNamedValues } from '../proc/named-values.ts'
import { parseSwaps } from '../proc/swaps.ts'
import type { Host, Scraper } from '../scraper.ts'
import { attempt } from '../scraper.ts'

export const pagingMetrics = {
  'system.paging.usage': {
    kind: 'up_down_counter',
    unit: 'By',
    value: 'int',
    enabled: true,
    description: 'Unix swap or windows pagefile usage.',
  },
  'system.paging.utilization': {
    kind: 'gauge',
    unit: '1',
    value: 'double',
    enabled: false,
    description: 'Share of the swap space by state.',
  },
  'system.paging.operations': {
    kind: 'counter',
    unit: '{operation}',
    value: 'int',
    enabled: true,
    description: 'The number of paging operations.',
  },
  'system.paging.faults': {
    kind: 'counter',
    unit: '{fault}',
    value: 'int',
    enabled: true,
    description: 'The number of page faults.',
  },
} satisfies MetricTable

export const pagingOptions = Options(
  { metrics: metricSwitches(pagingMetrics) },
  { description: 'Swap space, paging and page faults.' },
)

/** Reads /proc/swaps and /proc/vmstat. A kernel without swap has no /proc/swaps, and a host without it an empty one. */
export function paging({ files }: Host): Scraper {
  return async (abort) => {
    const swaps = await attempt(files.readIfThere('/proc/swaps', abort))
    const vmstat = await attempt(files.read('/proc/vmstat', abort))
    return (to) => {
      const swapTable = to.known(swaps)
      if (swapTable) addUsage(to, swapTable)
      const counters = to.known(vmstat)
      if (!counters) return
      const events = parseNamedValues(counters)
      addOperations(to, events.get('pswpin'), events.get('pswpout'))
      addFaults(to, events.get('pgfault'), events.get('pgmajfault'))
    }
  }
}

function addUsage(to: Recorder, swaps: Buffer): void {
  for (const { device, size, used } of parseSwaps(swaps)) {
    for (const [state, value] of [['used', used] as const, ['free', minus(size, used)] as const]) {
      const attributes = { 'system.device': device, 'system.paging.state': state }
      to.add('system.paging.usage', value, attributes)
      if (size > 0) to.add('system.paging.utilization', Number(value) / Number(size), attributes)
    }
  }
}

/** Pages swapped in and out. The fault type is the Collector's, so that what it reports can be put beside this. */
function addOperations(to: Recorder, swappedIn: Count | undefined, swappedOut: Count | undefined): void {
  for (const [direction, pages] of [['in', swappedIn] as const, ['out', swappedOut] as const]) {
    if (pages === undefined) continue
    to.add('system.paging.operations', pages, {
      'system.paging.fault.type': 'major',
      'system.paging.direction': direction,
    })
  }
}

function addFaults(to: Recorder, all: Count | undefined, major: Count | undefined): void {
  if (all === undefined || major === undefined) return to.fault('/proc/vmstat lacks pgfault or pgmajfault')
  to.add('system.paging.faults', major, { 'system.paging.fault.type': 'major' })
  to.add('system.paging.faults', minus(all, major), { 'system.paging.fault.type': 'minor' })
}
