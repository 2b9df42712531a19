import { closeSync, constants, openSync, readFileSync, readlinkSync } from 'node:fs'
import { Unavailable } from './loader.ts'

/** What whoever selects processes may ask. */
export interface ProbedProcess {
  readonly pid: number
  /** As the kernel has it: 15 characters, chosen by the process. */
  readonly name: string
  /** Path of its executable, as its own files have it. */
  readonly executable: string
}

/** What of a process changes when its number is another's, or when it becomes another program. */
interface Identity extends ProbedProcess {
  /** Clock ticks from the boot of the machine to its start. */
  readonly start: string
}

/**
 * A process, held by its folder in /proc: whatever is looked up in that is of this process, and fails once it has ended, also where another
 * process has its number by then.
 */
export class LivingProcess {
  readonly identity: Identity
  /** Of its folder. */
  readonly descriptor: number

  /** Rejects what is no process, such as a thread or one of the kernel's, with `Unavailable`. */
  constructor(pid: number) {
    this.descriptor = opened(pid)
    try {
      this.identity = this.#read(pid)
    } catch (thrown) {
      this.close()
      throw thrown
    }
  }

  /** Whether it still lives, and is the program that it was. */
  isSame(): boolean {
    try {
      const { start, executable } = this.#read(this.identity.pid)
      return start === this.identity.start && executable === this.identity.executable
    } catch (thrown) {
      if (thrown instanceof Unavailable) return false
      throw thrown
    }
  }

  close(): void {
    closeSync(this.descriptor)
  }

  #read(pid: number): Identity {
    const folder = `/proc/self/fd/${this.descriptor}`
    try {
      const group = /^Tgid:\s+(\d+)$/m.exec(readFileSync(`${folder}/status`, 'latin1'))?.[1]
      if (group !== String(pid)) throw new Unavailable(`${pid} is a thread, and no process`)
      const stat = readFileSync(`${folder}/stat`, 'utf8')
      // The name may hold anything, parentheses and spaces too.
      const end = stat.lastIndexOf(')')
      const start = stat.slice(end + 2).split(' ')[STARTTIME]
      if (end < 0 || start === undefined) throw new Unavailable(`the process ${pid} cannot be told from others`)
      const executable = readlinkSync(`${folder}/exe`).replace(/ \(deleted\)$/, '')
      return { pid, name: stat.slice(stat.indexOf('(') + 1, end), executable, start }
    } catch (thrown) {
      throw unavailable(pid, thrown)
    }
  }
}

/** Of what follows the name (proc_pid_stat(5)). */
const STARTTIME = 19

function opened(pid: number): number {
  try {
    return openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (thrown) {
    throw unavailable(pid, thrown)
  }
}

function unavailable(pid: number, thrown: unknown): Error {
  const { code } = thrown as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ESRCH')
    return new Unavailable(`the process ${pid} has ended, or is one of the kernel's`)
  if (code === 'EACCES' || code === 'EPERM')
    return new Unavailable(`the process ${pid} may not be looked into (CAP_SYS_PTRACE)`)
  return thrown as Error
}
