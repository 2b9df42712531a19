import type { Count } from '../count.ts'
import { multiply } from '../count.ts'
import { Fields } from '../fields.ts'

export const MAX_DISKS = 16_384
/** /proc/diskstats counts in sectors of this size, whatever the disk's own is. */
export const SECTOR_BYTES = 512

export interface Disk {
  readonly device: string
  readonly reads: Count
  readonly readsMerged: Count
  readonly readBytes: Count
  readonly readMilliseconds: Count
  readonly writes: Count
  readonly writesMerged: Count
  readonly writeBytes: Count
  readonly writeMilliseconds: Count
  readonly pending: Count
  readonly ioMilliseconds: Count
  readonly weightedMilliseconds: Count
}

/**
 * Reads /proc/diskstats (Documentation/admin-guide/iostats.rst). Kernels from 4.18 and 5.5 on append fields; rows of partitions
 * of kernels before 2.6.25, which have four counters only, are left out.
 */
export function parseDiskstats(buffer: Buffer): readonly Disk[] {
  const disks: Disk[] = []
  const fields = new Fields(buffer)
  while (fields.nextLine() && disks.length < MAX_DISKS) {
    const device = fields.skip(2).word()
    const [reads, readsMerged, readSectors, readMilliseconds] = four(fields)
    const [writes, writesMerged, writeSectors, writeMilliseconds] = four(fields)
    const [pending, ioMilliseconds, weightedMilliseconds] = [fields.integer(), fields.integer(), fields.integer()]
    if (device === undefined) continue
    if (reads === undefined || readsMerged === undefined || readSectors === undefined) continue
    if (readMilliseconds === undefined || writes === undefined || writesMerged === undefined) continue
    if (writeSectors === undefined || writeMilliseconds === undefined) continue
    if (pending === undefined || ioMilliseconds === undefined || weightedMilliseconds === undefined) continue
    const readBytes = multiply(readSectors, SECTOR_BYTES)
    const writeBytes = multiply(writeSectors, SECTOR_BYTES)
    const reading = { reads, readsMerged, readBytes, readMilliseconds }
    const writing = { writes, writesMerged, writeBytes, writeMilliseconds }
    disks.push({ device, ...reading, ...writing, pending, ioMilliseconds, weightedMilliseconds })
  }
  return disks
}

const four = (fields: Fields) => [fields.integer(), fields.integer(), fields.integer(), fields.integer()] as const
