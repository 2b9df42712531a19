import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A file's text; undefined where it cannot be read. */
export type ReadText = (path: string) => string | undefined

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // No such group, or no control groups at all: other systems than Linux have none.
    return undefined
  }
}

interface GroupFolder {
  readonly version: 1 | 2
  readonly path: string
}

/** Folders of the control groups of `controller` (`memory`, `cpu`) that the process is in, with those above each, as far as they can be seen. */
export function groupFolders(
  controller: string,
  read: ReadText,
): readonly { readonly version: 1 | 2; readonly folder: string }[] {
  const mounts = parsedMounts(read('/proc/self/mountinfo') ?? '', controller)
  const groups = parsedGroups(read('/proc/self/cgroup') ?? '', controller)
  return mounts.flatMap((mount) => {
    const path = groups.find(({ version }) => version === mount.version)?.path
    return path === undefined ? [] : foldersOf(mount, path).map((folder) => ({ version: mount.version, folder }))
  })
}

interface Mount {
  readonly version: 1 | 2
  /** What of the hierarchy is mounted: not all of it in a container. */
  readonly root: string
  readonly folder: string
}

/** Lines like `31 23 0:28 /root /sys/fs/cgroup rw - cgroup2 cgroup2 rw`: fields, optional ones, a dash, type, source, options. */
function parsedMounts(text: string, controller: string): Mount[] {
  return text.split('\n').flatMap((line): Mount[] => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '', folder = ''] = before.split(' ')
    const [type, , options = ''] = after.split(' ')
    if (type === 'cgroup2') return [{ version: 2, root, folder }]
    return type === 'cgroup' && options.split(',').includes(controller) ? [{ version: 1, root, folder }] : []
  })
}

/** Lines like `0::/user.slice` (version 2) and `4:memory:/docker/0123` (version 1). */
function parsedGroups(text: string, controller: string): GroupFolder[] {
  return text.split('\n').flatMap((line): GroupFolder[] => {
    const [, id, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    if (id === '0' && controllers === '') return [{ version: 2, path }]
    return controllers.split(',').includes(controller) ? [{ version: 1, path }] : []
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
