import { isDeepStrictEqual } from 'node:util'
import type { Process, Processes, Started } from '../tracer.ts'
import { Accounts } from './accounts.ts'
import { CgroupContainers } from './cgroup-containers.ts'
import { NO_ENVIRONMENT, readFacts, resourceOf } from './facts.ts'
import type { Facts } from './facts.ts'
import { KnownProcess } from './known-process.ts'
import { ListeningPorts } from './listening-ports.ts'
import { Proc } from './proc.ts'
import type { Identity } from './proc.ts'
import type { Selection } from './selection.ts'

export interface ProcessTableOptions {
  readonly selection: Selection
  /** Telegen's own process and its loader's, as the kernel counts (`ownPid`). */
  readonly own: readonly number[]
  /** Where `/proc` of the host is: `/host/proc` in a container. */
  readonly procPath?: string
  /** Whether variables of processes may be read: for `OTEL_SERVICE_NAME`, and matchers that ask for one. */
  readonly readEnvironment?: boolean
  /**
   * Told whenever the kernel has to know: trace it, leave it out, or (undefined) nothing is known of this pid any more, so that its next
   * bearer is looked at. Never called where all are traced.
   */
  readonly verdict: (pid: number, traced: boolean | undefined) => void
  /** Milliseconds, monotonic. */
  readonly now?: () => number
}

/** Processes known at a time; beyond, those that were not looked at for longest are forgotten. */
export const PROCESSES_MAX = 16_384
/** How long a process is taken to be who it was, before `/proc` is asked again: 25 us. */
export const CHECK_MS = 2_000
/** How long one that has ended is kept, since events of it may still lie in the ring. */
export const ENDED_KEPT_MS = 10_000
/** Looked at again in each sweep, those first that were not for longest. */
const CHECKS_PER_SWEEP = 8
/** The same where ports have a say, since one that is left out says by no event that it has begun to listen. */
const CHECKS_PER_SWEEP_OF_PORTS = 32

/** This process as the `/proc` there counts; as it counts itself where that is of another namespace. */
export const ownPid = (procPath = '/proc'): number => new Proc(procPath).own() ?? process.pid

/** All processes that were seen, read from `/proc` when they are first met, and again when they have become another program. */
export class ProcessTable implements Processes {
  readonly host: Process = { pid: 0, name: '', traced: true, resource: {} }
  readonly #options: ProcessTableOptions
  readonly #now: () => number
  readonly #proc: Proc
  readonly #ports: ListeningPorts
  readonly #accounts: Accounts
  readonly #containers = new CgroupContainers()
  readonly #own: ReadonlySet<number>
  readonly #ownExecutable: string | undefined
  /** Those that were not looked at for longest stand first. */
  readonly #byPid = new Map<number, KnownProcess>()
  readonly #ended = new Set<KnownProcess>()

  constructor(options: ProcessTableOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#proc = new Proc(options.procPath ?? '/proc')
    this.#ports = new ListeningPorts(this.#proc, this.#now)
    this.#accounts = new Accounts(() => this.#proc.accounts(), this.#now)
    this.#own = new Set(options.own)
    const [self] = options.own
    this.#ownExecutable = self === undefined ? undefined : this.#proc.executable(self)
  }

  /** Processes known. */
  get size(): number {
    return this.#byPid.size
  }

  of(pid: number, name = ''): Process {
    if (pid === 0) return this.host
    const known = this.#byPid.get(pid)
    const now = this.#now()
    if (known && now - known.checkedAt < CHECK_MS) return known
    const found = this.#check(pid, known, name, now)
    // Events of one that is left out mean that the kernel has forgotten.
    if (found === known && !found.traced && found.endedAt === undefined) this.#tell(found, true)
    return found
  }

  /** It has become another program. It may have ended since, and then this is all there is to know. */
  started(started: Started): Process {
    const { pid } = started
    const now = this.#now()
    const identity = this.#proc.identity(pid)
    const isThere = identity !== undefined && identity.start === started.start
    const read = isThere ? this.#read(pid, identity) : undefined
    // What has ended is listed until its parent has asked for it, with nothing to read: the kernel had more to tell.
    const isReadable = read !== undefined && (read.executable !== undefined || started.executable === undefined)
    const facts = isReadable ? read : this.#told(started)
    if (isReadable) this.#containers.learn(started.cgroupId, facts)
    // The program took the verdict on the one before out, in the kernel.
    const before = this.#byPid.get(pid)
    if (before) before.told = undefined
    return this.#add(facts, now, !isThere)
  }

  /** Its last thread has ended. */
  exited(pid: number): void {
    const known = this.#byPid.get(pid)
    if (known && known.endedAt === undefined) this.#end(known, this.#now())
  }

  /** Forgets those that ended a while ago, and looks at some again. To be called every `TICK_MS`. */
  sweep(): void {
    const now = this.#now()
    for (const process of this.#ended) {
      if (now - (process.endedAt ?? 0) < ENDED_KEPT_MS) break
      this.#forget(process)
    }
    let left = this.#options.selection.asksPorts ? CHECKS_PER_SWEEP_OF_PORTS : CHECKS_PER_SWEEP
    for (const [pid, known] of this.#byPid) {
      if (left-- === 0 || now - known.checkedAt < CHECK_MS) break
      this.#check(pid, known, known.name, now)
    }
  }

  /** Who has this pid now. */
  #check(pid: number, known: KnownProcess | undefined, name: string, now: number): KnownProcess {
    const identity = this.#proc.identity(pid)
    if (!identity) {
      if (!known) return this.#add(unseen(pid, name), now, true)
      this.#looked(known, now)
      if (known.endedAt === undefined) this.#end(known, now)
      return known
    }
    // What has ended is still listed until its parent has asked for it, with nothing to read.
    const isWhoItWas = known?.facts.start === identity.start
    if (!known || !isWhoItWas || (known.name !== identity.name && known.endedAt === undefined))
      return this.#add(this.#read(pid, identity), now)
    this.#looked(known, now)
    if (this.#options.selection.asksPorts && known.endedAt === undefined) this.#lookAtPorts(known)
    return known
  }

  #read(pid: number, identity: Identity): Facts {
    return readFacts(this.#proc, pid, identity, this.#options.readEnvironment ?? true)
  }

  #told({ cgroupId, ...facts }: Started): Facts {
    return { ...facts, ...this.#containers.find(cgroupId), environment: NO_ENVIRONMENT }
  }

  #add(read: Facts, now: number, hasEnded = false): KnownProcess {
    const { selection } = this.#options
    const made = resourceOf(read, this.#accounts)
    const facts = { ...read, environment: selection.variablesOf(read.environment) }
    const { pid } = read
    const before = this.#byPid.get(pid)
    // Whoever receives it cannot tell the two apart: what is counted under one goes on under the other.
    const resource = before && isDeepStrictEqual(before.resource, made) ? before.resource : made
    const process = new KnownProcess(facts, resource, false, now)
    if (before) {
      process.told = before.told
      this.#byPid.delete(pid)
      this.#ended.delete(before)
    } else if (this.#byPid.size >= PROCESSES_MAX) this.#forget(this.#byPid.values().next().value as KnownProcess)
    this.#byPid.set(pid, process)
    this.#judge(process)
    if (hasEnded) this.#end(process, now)
    else this.#tell(process, false)
    return process
  }

  #judge(process: KnownProcess): void {
    const { selection } = this.#options
    const { facts } = process
    const { ports, state } = selection.asksPorts ? this.#ports.of(facts.pid) : NO_PORTS
    process.portsState = state
    process.traced = !this.#isOwn(facts) && selection.admits({ ...facts, ports })
  }

  #lookAtPorts(process: KnownProcess): void {
    if (this.#ports.state(process.pid) === process.portsState) return
    this.#judge(process)
    this.#tell(process, false)
  }

  /** So are its workers (`service::workers`): processes of its own that run the same file, and in it the worker's module. */
  #isOwn({ pid, parent, executable, arguments: given }: Facts): boolean {
    if (this.#own.has(pid)) return true
    const isChild = parent !== undefined && this.#own.has(parent)
    return isChild && executable === this.#ownExecutable && given.some((each) => WORKER_MODULE.test(each))
  }

  #looked(process: KnownProcess, now: number): void {
    process.checkedAt = now
    this.#byPid.delete(process.pid)
    this.#byPid.set(process.pid, process)
  }

  #end(process: KnownProcess, now: number): void {
    process.endedAt = now
    this.#ended.add(process)
    this.#unsay(process)
  }

  #forget(process: KnownProcess): void {
    this.#ended.delete(process)
    if (this.#byPid.get(process.pid) === process) this.#byPid.delete(process.pid)
    this.#unsay(process)
  }

  #tell(process: KnownProcess, again: boolean): void {
    const { pid, traced, told } = process
    if (told === undefined && traced && this.#options.selection.isEverything) return
    if (told === traced && !again) return
    process.told = traced
    this.#options.verdict(pid, traced)
  }

  #unsay(process: KnownProcess): void {
    if (process.told === undefined) return
    process.told = undefined
    this.#options.verdict(process.pid, undefined)
  }
}

/** What `service::workers` forks. */
const WORKER_MODULE = /\/cli\/worker\.[jt]s$/

const NO_PORTS = { ports: new Set<number>(), state: 0 }

const unseen = (pid: number, name: string): Facts => ({
  pid,
  name,
  parent: undefined,
  start: undefined,
  executable: undefined,
  arguments: [],
  user: undefined,
  cgroup: undefined,
  container: undefined,
  environment: NO_ENVIRONMENT,
})
