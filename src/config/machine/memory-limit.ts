import { totalmem } from 'node:os'
import { join } from 'node:path'
import { groupFolders, readText } from './control-groups.ts'

/** How much memory this process may have, in bytes, and who says so. */
export interface MemoryLimit {
  readonly bytes: number
  readonly of: 'cgroup' | 'machine'
}

/** Tests give their own. */
export interface Machine {
  readonly total: number
  /** A file's text; undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined
}

const FILES = { 1: 'memory.limit_in_bytes', 2: 'memory.max' } as const

/**
 * The least limit of the control groups that the process is in, of version 2 and 1, or the machine's memory where there is none.
 * A group is also held to the limits of those above it, as far as they can be seen.
 */
export function memoryLimit({ total, read }: Machine = THIS_MACHINE): MemoryLimit {
  const limits = groupFolders('memory', read).map(({ version, folder }) => limitIn(join(folder, FILES[version]), read))
  const least = Math.min(...limits)
  // What nobody has set is `max`, or in version 1 a number larger than any memory.
  return least < total ? { bytes: least, of: 'cgroup' } : { bytes: total, of: 'machine' }
}

const THIS_MACHINE: Machine = { total: totalmem(), read: readText }

function limitIn(file: string, read: Machine['read']): number {
  const text = read(file)?.trim() ?? ''
  return /^\d+$/.test(text) ? Number(text) : Infinity
}
