import { chownSync, closeSync, constants, fstatSync, openSync } from 'node:fs'
import type { Addon, MessageSocket } from '../addon.ts'
import type { Admits } from '../attach-probe.ts'
import { inProcessLoader } from '../in-process.ts'
import type { StatisticsKeeper } from '../in-process.ts'
import type { KernelLoader } from '../loader.ts'
import { fragments } from './protocol.ts'
import { ServedAgent } from './served-agent.ts'
import type { ServedAgentNeeds } from './served-agent.ts'
import { shippedObjects } from './shipped.ts'

export interface ServeOptions {
  readonly addon: Addon
  /** Of the native part: has `bpf/`. */
  readonly folder: string
  readonly path: string
  /** Permissions of the socket. */
  readonly mode: number
  /** Whose agent is served, beside root's and this process's own user's. */
  readonly uid?: number
  readonly log: ServedAgentNeeds['log']
  /** Which processes may be probed. Default: all but the agent and this one, which never are. */
  readonly admits?: Admits
  /** Counts run time for agents that ask. */
  readonly statisticsKeeper: StatisticsKeeper
  /** What an agent is given to say who it is; tests give less. */
  readonly greetingMs?: number
  /** Loads for an agent; tests give another. */
  readonly loaderFor?: (ownPids: readonly number[]) => KernelLoader
}

export interface Serving {
  /** Detaches everything, tells the agents by closing, and takes the socket away. */
  close(): Promise<void>
}

/** Serves agents at a socket: one of each user at a time. Throws where nobody can listen there. */
export function serve(options: ServeOptions): Serving {
  const { addon, path, mode, uid, log } = options
  const served = new Map<number, ServedAgent>()
  const needs: Needs = { options, served, shipped: shippedObjects(options.folder), users: usersServed(uid) }
  const listener = addon.MessageSocket.listen(path, mode, (socket) => admit(socket, needs))
  try {
    if (uid !== undefined) giveSocket(path, uid, log)
  } catch (thrown) {
    listener.close()
    throw thrown
  }
  return {
    async close() {
      listener.close()
      await Promise.all([...served.values()].map((agent) => agent.end('the loader stops')))
    },
  }
}

interface Needs {
  readonly options: ServeOptions
  readonly served: Map<number, ServedAgent>
  readonly shipped: ReadonlySet<string>
  readonly users: ReadonlySet<number>
}

/** By what the kernel says of the other side, before a byte of it is read. */
function admit(socket: MessageSocket, { options, served, shipped, users }: Needs): void {
  const { log } = options
  const { peer } = socket
  if (!users.has(peer.uid)) return refuse(socket, `the loader does not serve the user ${peer.uid}`, log)
  if (served.has(peer.uid))
    return refuse(socket, `the loader serves another agent of the user ${peer.uid} already`, log)
  // Neither is traced, so that what the tracing itself does makes no events.
  const loader = (options.loaderFor ?? loaderOf(options))([peer.pid, process.pid])
  const agent = new ServedAgent({
    socket,
    loader,
    shipped,
    log,
    ...(options.greetingMs !== undefined && { greetingMs: options.greetingMs }),
    gone: () => served.delete(peer.uid),
  })
  served.set(peer.uid, agent)
  log.info({ ...peer }, 'An agent is served')
}

const loaderOf =
  ({ addon, folder, log, admits, statisticsKeeper }: ServeOptions) =>
  (ownPids: readonly number[]): KernelLoader =>
    inProcessLoader({
      addon,
      folder,
      log,
      ownPids,
      mountsTracefs: false,
      statisticsKeeper,
      ...(admits && { admits }),
    })

function refuse(socket: MessageSocket, refused: string, log: ServeOptions['log']): void {
  log.warn({ ...socket.peer }, `Refused: ${refused}`)
  try {
    for (const message of fragments({ refused })) socket.send(message)
  } catch {
    // It has gone again, and needs no answer.
  }
  socket.close()
}

const usersServed = (uid: number | undefined): ReadonlySet<number> =>
  new Set([0, process.geteuid?.() ?? 0, ...(uid === undefined ? [] : [uid])])

/** Who may connect is decided by the file's permissions first. */
function giveSocket(path: string, uid: number, log: ServeOptions['log']): void {
  if (uid === process.geteuid?.()) return
  try {
    ownSocket(path, uid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
    log.warn({ path, uid }, 'The socket cannot be given to the user (CAP_CHOWN): it must be open to a group of theirs')
  }
}

/** open(2): names a file, and opens nothing. Node has no name for it; the number is that of x86-64 and arm64. */
const O_PATH = 0o10000000

/** Of the socket itself: where the user may write to its folder, something else could have taken its name. */
function ownSocket(path: string, uid: number): void {
  const file = openSync(path, O_PATH | constants.O_NOFOLLOW)
  try {
    if (!fstatSync(file).isSocket()) throw new Error(`${path} is no socket any more`)
    chownSync(`/proc/self/fd/${file}`, uid, process.getegid?.() ?? 0)
  } finally {
    closeSync(file)
  }
}
