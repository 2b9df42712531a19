import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { dirname, join } from 'node:path'

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

/**
 * The least limit of the control groups that the process is in, of version 2 and 1, or the machine's memory where there is none.
 * A group is also held to the limits of those above it, as far as they can be seen.
 */
export function memoryLimit({ total, read }: Machine = THIS_MACHINE): MemoryLimit {
  const mounts = parsedMounts(read('/proc/self/mountinfo') ?? '')
  const groups = parsedGroups(read('/proc/self/cgroup') ?? '')
  const limits = mounts.flatMap((mount) => {
    const path = groups.find(({ version }) => version === mount.version)?.path
    return path === undefined ? [] : foldersOf(mount, path).map((folder) => limitIn(join(folder, mount.file), read))
  })
  const least = Math.min(...limits)
  // What nobody has set is `max`, or in version 1 a number larger than any memory.
  return least < total ? { bytes: least, of: 'cgroup' } : { bytes: total, of: 'machine' }
}

const THIS_MACHINE: Machine = {
  total: totalmem(),
  read(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      // No such group, or no control groups at all: other systems than Linux have none.
      return undefined
    }
  },
}

interface Mount {
  readonly version: 1 | 2
  /** What of the hierarchy is mounted: not all of it in a container. */
  readonly root: string
  readonly folder: string
  /** Holds the limit. */
  readonly file: string
}

/** Lines like `31 23 0:28 /root /sys/fs/cgroup rw - cgroup2 cgroup2 rw`: fields, optional ones, a dash, type, source, options. */
function parsedMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line): Mount[] => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '', folder = ''] = before.split(' ')
    const [type, , options = ''] = after.split(' ')
    if (type === 'cgroup2') return [{ version: 2, root, folder, file: 'memory.max' }]
    if (type !== 'cgroup' || !options.split(',').includes('memory')) return []
    return [{ version: 1, root, folder, file: 'memory.limit_in_bytes' }]
  })
}

interface Group {
  readonly version: 1 | 2
  readonly path: string
}

/** Lines like `0::/user.slice` (version 2) and `4:memory:/docker/0123` (version 1). */
function parsedGroups(text: string): Group[] {
  return text.split('\n').flatMap((line): Group[] => {
    const [, id, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    if (id === '0' && controllers === '') return [{ version: 2, path }]
    return controllers.split(',').includes('memory') ? [{ version: 1, path }] : []
  })
}

/** Levels of groups that are looked at. */
const MAX_LEVELS = 64

/** The group's folder and those above it, up to where the hierarchy is mounted. */
function foldersOf({ root, folder }: Mount, path: string): string[] {
  const below = root !== '/' && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path
  const found: string[] = []
  for (let each = join('/', below); found.length < MAX_LEVELS; each = dirname(each)) {
    found.push(join(folder, each))
    if (each === '/') break
  }
  return found
}

function limitIn(file: string, read: Machine['read']): number {
  const text = read(file)?.trim() ?? ''
  return /^\d+$/.test(text) ? Number(text) : Infinity
}
