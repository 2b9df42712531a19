import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'

/** What `/proc/PID/stat` says of who a process is. A pid is used again; with the start it is one process for good. */
export interface Identity {
  readonly name: string
  readonly parent: number
  /** Clock ticks (1/100 s) from the boot of the machine to the process's start. */
  readonly start: number
  readonly isKernelThread: boolean
}

/** Of arguments, of a cgroup's path and of an identity; more is cut. */
const FILE_BYTES = 4096
const ENVIRONMENT_BYTES = 64 * 1024
/** `/proc/PID/net/tcp` with 150 bytes a socket: some 28,000 sockets. Listening ones stand first. */
const SOCKETS_BYTES = 4 * 1024 * 1024
/** Descriptors looked through for listening sockets: servers open theirs early. */
const DESCRIPTORS = 4096

const PF_KTHREAD = 0x0020_0000

/**
 * Reads `/proc`, at once and within bounds. A process may end between any two calls, belong to somebody else or lie behind `hidepid`: what
 * cannot be read is undefined.
 */
export class Proc {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  identity(pid: number): Identity | undefined {
    return parseStat(this.#read(`${pid}/stat`, FILE_BYTES)?.toString() ?? '')
  }

  executable(pid: number): string | undefined {
    // Where the file was replaced, as by an upgrade, the kernel adds this.
    return this.#link(`${pid}/exe`)?.replace(/ \(deleted\)$/, '')
  }

  arguments(pid: number): readonly string[] | undefined {
    const bytes = this.#read(`${pid}/cmdline`, FILE_BYTES)
    return bytes && strings(bytes)
  }

  /** The real user. */
  user(pid: number): number | undefined {
    const found = /^Uid:\s+(\d+)/m.exec(this.#read(`${pid}/status`, FILE_BYTES)?.toString() ?? '')?.[1]
    return found === undefined ? undefined : Number(found)
  }

  /** One line for each hierarchy, `0::/path` that of cgroup2. */
  cgroup(pid: number): string | undefined {
    return this.#read(`${pid}/cgroup`, FILE_BYTES)?.toString()
  }

  /** Variables that it was started with. */
  environment(pid: number): ReadonlyMap<string, string> | undefined {
    const bytes = this.#read(`${pid}/environ`, ENVIRONMENT_BYTES)
    if (!bytes) return undefined
    const variables = strings(bytes).map((text) => [text, text.indexOf('=')] as const)
    return new Map(variables.flatMap(([text, at]) => (at > 0 ? [[text.slice(0, at), text.slice(at + 1)]] : [])))
  }

  /** `net:[4026531840]`. */
  networkNamespace(pid: number): string | undefined {
    return this.#link(`${pid}/ns/net`)
  }

  /** Ports of TCP sockets that listen in the process's network namespace, by their inodes. */
  listening(pid: number): ReadonlyMap<string, number> {
    const ports = new Map<string, number>()
    for (const file of ['tcp', 'tcp6']) {
      const table = this.#read(`${pid}/net/${file}`, SOCKETS_BYTES)?.toString('latin1') ?? ''
      for (const [, port = '', inode = ''] of table.matchAll(LISTENING)) ports.set(inode, Number.parseInt(port, 16))
    }
    return ports
  }

  /** Inodes of the sockets that a process has open. */
  sockets(pid: number): readonly string[] {
    const descriptors = attempt(() => readdirSync(`${this.#root}/${pid}/fd`)) ?? []
    return descriptors.slice(0, DESCRIPTORS).flatMap((each) => {
      const target = this.#link(`${pid}/fd/${each}`)
      return target?.startsWith('socket:[') ? [target.slice(8, -1)] : []
    })
  }

  /** This process as `/proc` counts: other than `process.pid` where the host's is mounted in a container. */
  own(): number | undefined {
    const pid = Number(this.#link('self'))
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  }

  /** Accounts of the host that `/proc` is of. */
  accounts(): string | undefined {
    const path = this.#root === '/proc' ? '/etc/passwd' : `${this.#root}/1/root/etc/passwd`
    return readBounded(path, ENVIRONMENT_BYTES)?.toString()
  }

  #read(path: string, limit: number): Buffer | undefined {
    return readBounded(`${this.#root}/${path}`, limit)
  }

  #link(path: string): string | undefined {
    return attempt(() => readlinkSync(`${this.#root}/${path}`))
  }
}

/** `pid (name) state parent …`; the name may hold anything, parentheses and spaces too. */
export function parseStat(text: string): Identity | undefined {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  const [parent, flags, start] = [fields[1], fields[6], fields[19]].map(Number)
  if (parent === undefined || flags === undefined || start === undefined || Number.isNaN(start)) return undefined
  return { name: text.slice(open + 1, close), parent, start, isKernelThread: (flags & PF_KTHREAD) !== 0 }
}

/** `sl: local_address:PORT remote 0A … inode`: 0A is LISTEN. */
const LISTENING = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A (?:\S+\s+){5}(\d+)/gm

const strings = (bytes: Buffer): string[] => {
  const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length
  return end <= 0 ? [] : bytes.toString('utf8', 0, end).split('\0')
}

function readBounded(path: string, limit: number): Buffer | undefined {
  return attempt(() => {
    const descriptor = openSync(path, 'r')
    try {
      return readUpTo(descriptor, limit)
    } finally {
      closeSync(descriptor)
    }
  })
}

/** Read into again and again: what is handed on is a copy of what was there. */
const piece = Buffer.allocUnsafe(ENVIRONMENT_BYTES)

function readUpTo(descriptor: number, limit: number): Buffer {
  const parts: Buffer[] = []
  for (let total = 0; total < limit;) {
    const read = readSync(descriptor, piece, 0, Math.min(piece.length, limit - total), null)
    if (read === 0) break
    parts.push(Buffer.from(piece.subarray(0, read)))
    total += read
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

/** Undefined where the system said no. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code === 'string') return undefined
    throw error
  }
}
