import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { groupFolders, readText } from './control-groups.ts'
import type { ReadText } from './control-groups.ts'

/** Tests give their own. */
export interface Cores {
  /** That the process may run on. */
  readonly available: number
  readonly read: ReadText
}

/** How many cores there are for this process: those that it may run on, or fewer where its control groups have a quota of their time, whole ones and at least one. */
export function coresLimit({ available, read }: Cores = { available: availableParallelism(), read: readText }): number {
  const quotas = groupFolders('cpu', read).map(({ version, folder }) => quotaIn(version, folder, read))
  return Math.max(1, Math.min(available, ...quotas.map(Math.floor)))
}

/** In cores. Version 2 has `200000 100000` or `max 100000` in one file, microseconds of every so many; version 1 two files, and -1 for none. */
function quotaIn(version: 1 | 2, folder: string, read: ReadText): number {
  const text = (file: string) => read(join(folder, file))?.trim() ?? ''
  const [quota, period] =
    version === 2 ? text('cpu.max').split(' ') : [text('cpu.cfs_quota_us'), text('cpu.cfs_period_us')]
  const cores = Number(quota) / Number(period)
  return cores > 0 ? cores : Infinity
}
