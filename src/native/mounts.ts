import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'

export interface Mounts {
  /** Where the root of the cgroup2 hierarchy is mounted, or the highest part of it that can be seen. */
  readonly cgroup2?: string
  /** Where trace events are, if it is where everybody looks for them. Not everybody may read it. */
  readonly tracefs?: string
  readonly bpffs?: string
}

const MOUNT_MS = 5_000
/** Where libbpf looks, in this order. The second is mounted by the kernel itself as soon as somebody looks. */
const TRACEFS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] as const

/** What is mounted just now, as this process sees it. */
export function mounts(): Mounts {
  const found = findMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
  const tracefs = found.tracefs ?? TRACEFS.find((folder) => existsSync(`${folder}/events`))
  return tracefs === undefined ? found : { ...found, tracefs }
}

interface Mount {
  readonly root: string
  readonly at: string
  readonly type: string
}

/** Reads /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function findMounts(mountinfo: string): Mounts {
  const all = mountinfo.split('\n').flatMap(mountOf)
  const cgroup2 = all.filter(({ type }) => type === 'cgroup2')
  // Several where containers have theirs bound: the whole hierarchy is better than a part.
  const best = cgroup2.find(({ root }) => root === '/') ?? cgroup2[0]
  const bpffs = all.find(({ type }) => type === 'bpf')
  const tracefs = all.find(({ type, at }) => type === 'tracefs' && TRACEFS.some((folder) => folder === at))
  return {
    ...(best && { cgroup2: best.at }),
    ...(tracefs && { tracefs: tracefs.at }),
    ...(bpffs && { bpffs: bpffs.at }),
  }
}

/** `31 23 0:28 / /sys/fs/cgroup rw,relatime shared:1 - tmpfs tmpfs rw`: any number of optional fields before the dash. */
function mountOf(line: string): readonly Mount[] {
  const [before, after] = line.split(' - ', 2)
  const [, , , root, at] = (before ?? '').split(' ')
  const [type] = (after ?? '').split(' ')
  return root && at && type ? [{ root: unescaped(root), at: unescaped(at), type }] : []
}

/** Spaces, tabs, line ends and backslashes are written as `\040`. */
const unescaped = (path: string): string =>
  path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)))

/** Mounts tracefs where it belongs. Rejects with what `mount` says. */
export async function mountTracefs(): Promise<string> {
  const [folder] = TRACEFS
  try {
    await promisify(execFile)('mount', ['-t', 'tracefs', 'tracefs', folder], { timeout: MOUNT_MS })
  } catch (thrown) {
    const { stderr, message } = thrown as Error & { stderr?: string }
    throw new Error(stderr?.trim() || message, { cause: thrown })
  }
  return folder
}
