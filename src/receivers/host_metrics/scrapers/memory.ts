import { Options } from '../../../plugin.ts'
import type { Count } from '../count.ts'
import { minus, multiply } from '../count.ts'
import type { MetricDefinition, MetricTable, Recorder } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import { parseNamedValues } from '../proc/named-values.ts'
import type { Host, Scraper } from '../scraper.ts'

const amount = (unit: string, isOn: boolean, description: string, formerly?: string): MetricDefinition => ({
  kind: 'up_down_counter',
  unit,
  value: 'int',
  enabled: isOn,
  description,
  ...(formerly && { formerly }),
})
const share = (description: string): MetricDefinition => ({
  kind: 'gauge',
  unit: '1',
  value: 'double',
  enabled: false,
  description,
})

const PREFIX = 'system.memory.linux'

export const memoryMetrics = {
  'system.memory.usage': amount('By', true, 'Reports memory in use by state.'),
  'system.memory.utilization': share('Share of the memory by state.'),
  'system.memory.limit': amount('By', false, 'Total memory available in the system.'),
  [`${PREFIX}.slab.usage`]: amount('By', true, "The kernel's caches of frequently used objects, by state."),
  [`${PREFIX}.available`]: amount(
    'By',
    false,
    'An estimate of how much memory is available for starting new applications, without causing swapping.',
    'system.linux.memory.available',
  ),
  [`${PREFIX}.shared`]: amount('By', false, 'Shared memory used, mostly by tmpfs.'),
  [`${PREFIX}.hugepages.limit`]: amount('{page}', false, 'Total number of hugepages available.'),
  [`${PREFIX}.hugepages.page_size`]: amount('By', false, 'System hugepage size in bytes.'),
  [`${PREFIX}.hugepages.reserved`]: amount('{page}', false, 'Number of reserved hugepages.'),
  [`${PREFIX}.hugepages.surplus`]: amount('{page}', false, 'Number of surplus hugepages.'),
  [`${PREFIX}.hugepages.usage`]: amount('{page}', false, 'Number of hugepages in use by state.'),
  [`${PREFIX}.hugepages.utilization`]: share('Share of the hugepages by state.'),
} satisfies MetricTable

export const memoryOptions = Options(
  { metrics: metricSwitches(memoryMetrics, ['system.memory.page_size', 'system.linux.memory.dirty']) },
  { description: 'Memory.' },
)

/** Reads /proc/meminfo (proc_meminfo(5)). */
export function memory({ files }: Host): Scraper {
  return async (abort) => {
    const values = parseNamedValues(await files.read('/proc/meminfo', abort))
    const bytes = (name: string): Count | undefined => {
      const kibibytes = values.get(name)
      return kibibytes === undefined ? undefined : multiply(kibibytes, 1024)
    }
    return (to) => {
      addUsage(to, bytes)
      addStates(to, `${PREFIX}.slab`, {
        reclaimable: bytes('SReclaimable'),
        unreclaimable: bytes('SUnreclaim'),
      })
      addIfKnown(to, `${PREFIX}.available`, bytes('MemAvailable'))
      addIfKnown(to, `${PREFIX}.shared`, bytes('Shmem'))
      addHugepages(to, values, bytes('Hugepagesize'))
    }
  }
}

type Named = (name: string) => Count | undefined

function addUsage(to: Recorder, bytes: Named): void {
  const [limit, free, cached, buffers] = [bytes('MemTotal'), bytes('MemFree'), bytes('Cached'), bytes('Buffers')]
  if (limit === undefined || free === undefined || cached === undefined || buffers === undefined)
    return to.fault('/proc/meminfo lacks MemTotal, MemFree, Cached or Buffers')
  // Kernels before 3.14 have no MemAvailable; the conventions allow the older formula then.
  const available = bytes('MemAvailable')
  const used = available === undefined ? minus(minus(minus(limit, free), cached), buffers) : minus(limit, available)
  addStates(to, 'system.memory', { used, free, cached, buffers }, limit)
  to.add('system.memory.limit', limit)
}

function addHugepages(to: Recorder, values: ReadonlyMap<string, Count>, pageSize: Count | undefined): void {
  const [limit, free] = [values.get('HugePages_Total'), values.get('HugePages_Free')]
  addIfKnown(to, `${PREFIX}.hugepages.page_size`, pageSize)
  addIfKnown(to, `${PREFIX}.hugepages.limit`, limit)
  addIfKnown(to, `${PREFIX}.hugepages.reserved`, values.get('HugePages_Rsvd'))
  addIfKnown(to, `${PREFIX}.hugepages.surplus`, values.get('HugePages_Surp'))
  if (limit !== undefined && free !== undefined)
    addStates(to, `${PREFIX}.hugepages`, { used: minus(limit, free), free }, limit)
}

const STATE: Readonly<Record<string, string>> = {
  'system.memory': 'system.memory.state',
  [`${PREFIX}.slab`]: `${PREFIX}.slab.state`,
  [`${PREFIX}.hugepages`]: `${PREFIX}.hugepages.state`,
}

/** A point of `<group>.usage` for each state, and of `<group>.utilization` where there is a limit. */
function addStates(to: Recorder, group: string, states: Record<string, Count | undefined>, limit: Count = 0): void {
  for (const [state, value] of Object.entries(states)) {
    const attributes = { [STATE[group] as string]: state }
    addIfKnown(to, `${group}.usage`, value, attributes)
    if (value !== undefined && limit > 0) to.add(`${group}.utilization`, Number(value) / Number(limit), attributes)
  }
}

/** What a kernel does not tell is left out. */
function addIfKnown(to: Recorder, name: string, value: Count | undefined, attributes = {}): void {
  if (value !== undefined) to.add(name, value, attributes)
}
