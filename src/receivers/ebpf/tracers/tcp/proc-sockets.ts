import { readdirSync, readlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { join } from 'node:path'
import type { Ends } from './ends.ts'
import { plainAddress } from './ends.ts'

/** A socket as `/proc/PID/net/tcp` has it. */
export interface ProcSocket extends Omit<Ends, 'network'> {
  /** `TCP_ESTABLISHED` 1, … `TCP_LISTEN` 10. */
  readonly state: number
  /** 0 where no process has it any more. */
  readonly inode: number
}

/** Of one namespace and version of IP: some 100,000 sockets. */
const TABLE_BYTES_MAX = 16 * 1024 * 1024
/** The kernel gives a page or so at a time. */
const READ_BYTES = 64 * 1024
const PROCESSES_MAX = 32_768
export const NETWORKS_MAX = 256
const DESCRIPTORS_MAX = 65_536

/** What `/proc` says of sockets. A process may end at any time, and others' may not be readable: what cannot be read is passed over. */
export class ProcSockets {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  /** A process of each network namespace that can be seen, by the namespace's inode. */
  networks(): ReadonlyMap<number, number> {
    const networks = new Map<number, number>()
    for (const pid of this.#processes()) {
      const network = inodeOf(this.#link(`${pid}/ns/net`), 'net')
      if (network !== undefined && !networks.has(network)) networks.set(network, pid)
      if (networks.size >= NETWORKS_MAX) break
    }
    return networks
  }

  /** All TCP sockets of the process's namespace; undefined where they could not be read, or not all. */
  async sockets(pid: number): Promise<readonly ProcSocket[] | undefined> {
    const version4 = await readTable(join(this.#root, `${pid}/net/tcp`))
    if (version4 === undefined) return undefined
    // Without IPv6 there is no file.
    const version6 = await readTable(join(this.#root, `${pid}/net/tcp6`))
    return [...parseSockets(version4, false), ...parseSockets(version6 ?? '', true)]
  }

  /** The first process that has each of these sockets open, by the socket's inode. */
  async owners(inodes: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
    const owners = new Map<number, number>()
    for (const pid of this.#processes()) {
      if (owners.size === inodes.size) break
      for (const descriptor of this.#list(`${pid}/fd`).slice(0, DESCRIPTORS_MAX)) {
        const inode = inodeOf(this.#link(`${pid}/fd/${descriptor}`), 'socket')
        if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid)
      }
      // There may be thousands: events wait behind each one at most.
      await setImmediate()
    }
    return owners
  }

  #processes(): readonly number[] {
    const pids = this.#list('').map(Number).filter(Number.isSafeInteger)
    return pids.sort((one, other) => one - other).slice(0, PROCESSES_MAX)
  }

  #list(path: string): readonly string[] {
    return attempt(() => readdirSync(join(this.#root, path))) ?? []
  }

  #link(path: string): string | undefined {
    return attempt(() => readlinkSync(join(this.#root, path)))
  }
}

/** `socket:[12345]`. */
function inodeOf(link: string | undefined, kind: string): number | undefined {
  return link?.startsWith(`${kind}:[`) ? Number.parseInt(link.slice(kind.length + 2), 10) : undefined
}

/** `sl: LOCAL:PORT REMOTE:PORT STATE queues timer retransmits uid timeout inode …`, all hexadecimal but the last three. */
const LINE =
  /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) (?:\S+\s+){5}(\d+)/gm

export function parseSockets(table: string, isVersion6: boolean): readonly ProcSocket[] {
  return Array.from(table.matchAll(LINE), (parts) => {
    const [, local = '', localPort = '', remote = '', remotePort = '', state = '', inode = ''] = parts
    return {
      localAddress: plainAddress(bytesOf(local), isVersion6),
      localPort: Number.parseInt(localPort, 16),
      remoteAddress: plainAddress(bytesOf(remote), isVersion6),
      remotePort: Number.parseInt(remotePort, 16),
      state: Number.parseInt(state, 16),
      inode: Number(inode),
    }
  })
}

/** Each 32 bits of an address stand there as a number of this machine's. */
function bytesOf(hexadecimal: string): string {
  const words = Uint32Array.from({ length: hexadecimal.length / 8 }, (_, word) =>
    Number.parseInt(hexadecimal.slice(word * 8, word * 8 + 8), 16),
  )
  return Buffer.from(words.buffer).toString('latin1')
}

async function readTable(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(passOver)
  if (!file) return undefined
  try {
    const piece = Buffer.allocUnsafe(READ_BYTES)
    const parts: string[] = []
    for (let total = 0; total < TABLE_BYTES_MAX;) {
      const { bytesRead } = await file.read(piece)
      if (bytesRead === 0) return parts.join('')
      parts.push(piece.toString('latin1', 0, bytesRead))
      total += bytesRead
    }
    return undefined
  } catch (error) {
    return passOver(error)
  } finally {
    await file.close()
  }
}

/** Undefined where the system said no. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    return passOver(error)
  }
}

function passOver(error: unknown): undefined {
  if (typeof (error as NodeJS.ErrnoException).code === 'string') return undefined
  throw error
}
