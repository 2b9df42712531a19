import { stat, statfs } from 'node:fs/promises'
import type { Clock } from '../../plugin.ts'
import type { Mount } from './proc/mounts.ts'

/** Bytes, and inodes. */
export interface Space {
  readonly limit: bigint
  readonly used: bigint
  readonly free: bigint
  /** Free for the superuser only. */
  readonly reserved: bigint
  readonly inodes: bigint
  readonly freeInodes: bigint
}

export type Examine = (path: string, device?: string) => Promise<Space>

const DEADLINE_MS = 2000
/**
 * A dead server or disk holds the thread that asks it until it answers, which may be never. Node has four threads for all
 * files of the process, so only so many may hang at once: the rest is then not asked, remote filesystems first.
 */
const MAX_HANGING = { remote: 2, local: 3 }

const REMOTE = /^(nfs|nfs4|cifs|smb3|smbfs|ceph|afs|9p|glusterfs|lustre|beegfs|fuse(\..*)?)$/
export const isRemote = (mount: Mount): boolean => REMOTE.test(mount.type)

interface Question {
  readonly answer: Promise<Space>
  isOverdue: boolean
}

/** Asks filesystems how full they are, and survives those that do not answer. */
export class SpaceInspector {
  readonly #examine: Examine
  /** Questions without an answer yet, by path. */
  readonly #open = new Map<string, Question>()

  constructor(examine: Examine = examineSpace) {
    this.#examine = examine
  }

  /** Rejects where there is no answer in time. Such a filesystem is not asked again before it has answered. */
  async inspect(path: string, mount: Mount, clock: Clock, device?: string): Promise<Space> {
    const name = `${mount.mountpoint} (${mount.type})`
    if (this.#open.get(path)?.isOverdue) throw new Error(`${name} still does not answer`)
    const hanging = [...this.#open].filter(([, question]) => question.isOverdue).map(([hung]) => hung)
    if (hanging.length >= MAX_HANGING[isRemote(mount) ? 'remote' : 'local'])
      throw new Error(`${name} was not asked, since ${hanging.join(' and ')} do not answer`)
    const question = this.#open.get(path) ?? this.#ask(path, device)
    return new Promise((resolve, reject) => {
      const deadline = clock.after(DEADLINE_MS, () => {
        question.isOverdue = true
        reject(new Error(`${name} did not answer within ${DEADLINE_MS} ms`))
      })
      question.answer.then(resolve, reject).finally(() => deadline.cancel())
    })
  }

  #ask(path: string, device: string | undefined): Question {
    const answer = this.#examine(path, device).finally(() => this.#open.delete(path))
    const question = { answer, isOverdue: false }
    this.#open.set(path, question)
    return question
  }
}

/** One for the process, as its threads are. */
export const processInspector = new SpaceInspector()

/**
 * `device` is `major:minor` as the mount table tells it: where the path belongs to another one, the mount is not visible from
 * here, and what would be reported is what lies beneath it.
 */
export async function examineSpace(path: string, device?: string): Promise<Space> {
  if (device !== undefined) {
    const { dev } = await stat(path, { bigint: true })
    if (deviceNumber(dev) !== device) throw new Error(`the mount on ${path} cannot be seen from here`)
  }
  const { bsize, frsize, blocks, bfree, bavail, files, ffree } = (await statfs(path, { bigint: true })) as Statfs
  const unit = frsize ?? bsize
  const free = bavail * unit
  const reserved = bfree > bavail ? (bfree - bavail) * unit : 0n
  return { limit: blocks * unit, used: (blocks - bfree) * unit, free, reserved, inodes: files, freeInodes: ffree }
}

type Statfs = Record<'bsize' | 'blocks' | 'bfree' | 'bavail' | 'files' | 'ffree', bigint> & {
  /** The unit of the counts, which Node tells from version 24 on. Most filesystems have the same in `bsize`. */
  readonly frsize?: bigint
}

/** As makedev(3) of glibc and musl puts it together. */
function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}
