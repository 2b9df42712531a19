import { Options } from '../../../plugin.ts'
import type { Count } from '../count.ts'
import { multiply } from '../count.ts'
import { CounterStarts } from '../counter-starts.ts'
import { Fields } from '../fields.ts'
import type { HostFiles } from '../host-files.ts'
import type { MetricDefinition, MetricTable, Recorder } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import type { Disk } from '../proc/diskstats.ts'
import { SECTOR_BYTES, parseDiskstats } from '../proc/diskstats.ts'
import type { Host, Scraper } from '../scraper.ts'
import { attempt } from '../scraper.ts'
import type { Names } from '../selection.ts'
import { namesOption, selection } from '../selection.ts'

const count = (unit: string, description: string): MetricDefinition => ({
  kind: 'counter',
  unit,
  value: 'int',
  enabled: true,
  description,
})
const seconds = (description: string): MetricDefinition => ({ ...count('s', description), value: 'double' })
const level = (unit: string, isOn: boolean, description: string): MetricDefinition => ({
  ...count(unit, description),
  kind: 'up_down_counter',
  enabled: isOn,
})

/** The last two of those that are on are the Collector's; the conventions have nothing like them. */
export const diskMetrics = {
  'system.disk.io': count('By', 'Disk bytes transferred.'),
  'system.disk.operations': count('{operation}', 'Disk operations count.'),
  'system.disk.merged': count(
    '{operation}',
    'The number of disk reads/writes merged into single physical disk access operations.',
  ),
  'system.disk.operation_time': seconds('Sum of the time each operation took to complete.'),
  'system.disk.io_time': seconds('Time disk spent activated.'),
  'system.disk.weighted_io_time': seconds('Time disk spent activated, times the number of pending operations.'),
  'system.disk.pending_operations': level('{operation}', true, 'Operations that the disk has not completed yet.'),
  'system.disk.limit': level('By', false, 'The total storage capacity of the disk.'),
} satisfies MetricTable

export const diskOptions = Options(
  {
    metrics: metricSwitches(diskMetrics),
    include: namesOption('devices', 'devices to report'),
    exclude: namesOption('devices', 'devices to leave out'),
  },
  { description: 'Traffic of disks.' },
)

interface DiskOptions {
  readonly include?: Names
  readonly exclude?: Names
}

/** Reads /proc/diskstats, and the sizes of disks from /sys. */
export function disk({ files, options, enabled }: Host<DiskOptions>): Scraper {
  const isSelected = selection('devices', options.include, options.exclude)
  const starts = new CounterStarts()
  return async (abort) => {
    const disks = parseDiskstats(await files.read('/proc/diskstats', abort)).filter((one) => isSelected(one.device))
    const limits = enabled.has('system.disk.limit') ? await attempt(readLimits(files, disks, abort)) : undefined
    return (to) => {
      starts.begin(to.time)
      for (const one of disks) addDisk(to, starts, one)
      for (const [device, limit] of to.known(limits) ?? []) {
        if (limit === undefined) to.fault(`the size of ${device} is not in /sys/class/block`)
        else to.add('system.disk.limit', limit, { 'system.device': device })
      }
    }
  }
}

function addDisk(to: Recorder, starts: CounterStarts, disk: Disk): void {
  const add = (name: string, value: Count, direction?: 'read' | 'write', scale = 1): void => {
    const start = starts.start(`${name} ${direction} ${disk.device}`, value)
    const attributes = { 'system.device': disk.device, 'disk.io.direction': direction }
    to.add(name, scale === 1 ? value : Number(value) / scale, attributes, start ?? to.boot)
  }
  add('system.disk.io', disk.readBytes, 'read')
  add('system.disk.io', disk.writeBytes, 'write')
  add('system.disk.operations', disk.reads, 'read')
  add('system.disk.operations', disk.writes, 'write')
  add('system.disk.merged', disk.readsMerged, 'read')
  add('system.disk.merged', disk.writesMerged, 'write')
  add('system.disk.operation_time', disk.readMilliseconds, 'read', 1000)
  add('system.disk.operation_time', disk.writeMilliseconds, 'write', 1000)
  add('system.disk.io_time', disk.ioMilliseconds, undefined, 1000)
  add('system.disk.weighted_io_time', disk.weightedMilliseconds, undefined, 1000)
  to.add('system.disk.pending_operations', disk.pending, { 'system.device': disk.device })
}

/** Undefined for disks whose size /sys does not tell. */
async function readLimits(files: HostFiles, disks: readonly Disk[], abort: AbortSignal) {
  const limits = new Map<string, Count | undefined>()
  for (const { device } of disks) {
    // A device in a directory of its own, such as cciss/c0d0, has an exclamation mark for the slash there.
    const size = await files.readIfThere(`/sys/class/block/${device.replaceAll('/', '!')}/size`, abort)
    const fields = new Fields(size ?? Buffer.alloc(0))
    fields.nextLine()
    const sectors = fields.integer()
    limits.set(device, sectors === undefined ? undefined : multiply(sectors, SECTOR_BYTES))
  }
  return limits
}
