import { posix } from 'node:path'
import type { Attributes } from '../../../plugin.ts'
import type { Accounts } from './accounts.ts'
import { cgroupPath, containerId } from './container-id.ts'
import type { Identity, Proc } from './proc.ts'
import { declaredService, runtimeOf, serviceName } from './service-name.ts'

/** What is known of a process that does not change until it becomes another program. */
export interface Facts {
  readonly pid: number
  readonly name: string
  readonly parent: number | undefined
  /** Clock ticks from boot: with the pid, who it is. Undefined of one that nobody could look at. */
  readonly start: number | undefined
  readonly executable: string | undefined
  readonly arguments: readonly string[]
  readonly user: number | undefined
  readonly cgroup: string | undefined
  readonly container: string | undefined
  readonly environment: ReadonlyMap<string, string>
}

export const NO_ENVIRONMENT: ReadonlyMap<string, string> = new Map()

/** Reads what `/proc` has of a process, once. `withEnvironment`: variables too, which may hold secrets; few are looked at and none is kept. */
export function readFacts(proc: Proc, pid: number, identity: Identity, withEnvironment: boolean): Facts {
  const { name, parent, start } = identity
  const nothing = { executable: undefined, arguments: [], user: undefined, cgroup: undefined, container: undefined }
  if (identity.isKernelThread) return { pid, name, parent, start, ...nothing, environment: NO_ENVIRONMENT }
  const cgroup = proc.cgroup(pid)
  return {
    pid,
    name,
    parent,
    start,
    executable: proc.executable(pid),
    arguments: proc.arguments(pid) ?? [],
    user: proc.user(pid),
    cgroup: cgroup === undefined ? undefined : cgroupPath(cgroup),
    container: cgroup === undefined ? undefined : containerId(cgroup),
    environment: (withEnvironment ? proc.environment(pid) : undefined) ?? NO_ENVIRONMENT,
  }
}

/** What stands in the resource. Arguments and the title do not: they hold what nobody meant to send. */
export function resourceOf(facts: Facts, accounts: Accounts): Attributes {
  const { pid, name, executable, user, container } = facts
  if (executable === undefined) return { 'process.pid': pid, 'process.title': name || undefined }
  return {
    'service.name': serviceName(executable, facts.arguments),
    ...declaredService(facts.environment),
    'process.pid': pid,
    'process.executable.name': posix.basename(executable),
    'process.executable.path': posix.isAbsolute(executable) ? executable : undefined,
    // Ids within a container are of accounts that the host does not have.
    'process.owner': user === undefined || container !== undefined ? undefined : accounts.name(user),
    ...runtimeOf(executable),
    'container.id': container,
  }
}
