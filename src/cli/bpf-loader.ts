import { loadAddon } from '../native/load-addon.ts'
import { whyNothingLoads } from '../native/in-process.ts'
import { countedStatistics, noStatistics } from '../native/separated/counted-statistics.ts'
import { DEFAULT_SOCKET } from '../native/separated/protocol.ts'
import { serve } from '../native/separated/serve.ts'
import type { ServeOptions } from '../native/separated/serve.ts'
import { uidOf } from '../native/separated/served-users.ts'
import { unneededPrivileges } from '../native/separated/shed-privileges.ts'
import { globFault } from '../receivers/ebpf/processes/glob.ts'
import { Selection } from '../receivers/ebpf/processes/selection.ts'
import { UsageError } from './arguments.ts'
import type { Arguments, LoaderArguments } from './arguments.ts'
import { logger } from './logger.ts'

/** Milliseconds that detaching may take; what is attached then goes with the process. */
const CLOSING = 10_000
const STOPS = ['SIGINT', 'SIGTERM'] as const
const DEFAULT_MODE = '0660'

/** Loads for agents without privileges until a signal ends it. Resolves to the exit code. */
export async function bpfLoader({ loader }: Arguments): Promise<number> {
  const asked = settings(loader)
  const log = logger({
    level: 'info',
    encoding: 'console',
    outputPaths: ['stderr'],
    initialFields: {},
    resource: false,
  })
  const native = loadAddon()
  if (native.kind === 'unavailable') return failed(`the loader cannot run: ${native.reason}`)
  const { addon, folder } = native
  const lacking = whyNothingLoads(addon)
  if (lacking !== undefined) return failed(`the loader cannot run: ${lacking}`)
  const stopped = stop()
  try {
    const statisticsKeeper = loader.stats ? countedStatistics(addon) : noStatistics
    const giveUp = await unneededPrivileges(addon, log, loader.admitted !== undefined)
    // Giving the socket to the user needs what is given up next, before the first agent is heard.
    const serving = serve({ addon, folder, log, statisticsKeeper, ...asked })
    giveUp()
    log.info({ socket: asked.path, pid: process.pid }, 'Agents are served')
    const signal = await stopped
    log.info({ signal }, 'Stopping')
    await Promise.race([serving.close(), new Promise((resolve) => setTimeout(resolve, CLOSING).unref())])
    log.info({}, 'Stopped')
    return 0
  } catch (thrown) {
    return failed(`the loader cannot run: ${(thrown as Error).message}`)
  }
}

function settings(given: LoaderArguments): Pick<ServeOptions, 'path' | 'mode' | 'uid' | 'admits'> {
  const { socket, user, mode, admitted } = given
  const written = mode ?? DEFAULT_MODE
  if (!/^0?[0-7]{3}$/.test(written)) throw new UsageError(`invalid mode: "${written}"`, 'write it in octal: 0660')
  return {
    path: socket ?? DEFAULT_SOCKET,
    mode: Number.parseInt(written, 8),
    ...(user !== undefined && { uid: uidGiven(user) }),
    ...(admitted && { admits: admits(admitted) }),
  }
}

/** As the receiver selects processes: by the path of the executable. */
function admits(executables: readonly string[]): NonNullable<ServeOptions['admits']> {
  for (const each of executables) {
    const fault = globFault(each)
    if (fault !== undefined) throw new UsageError(`invalid glob: "${each}" ${fault}`)
  }
  const selection = new Selection({ include: [{ executables: [...executables] }], exclude: [] })
  return (asked) =>
    selection.admits({ ...asked, cgroup: undefined, container: undefined, environment: new Map(), ports: new Set() })
}

function uidGiven(user: string): number {
  try {
    return uidOf(user)
  } catch (error) {
    throw new UsageError(`invalid user: ${(error as Error).message}`)
  }
}

const stop = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of STOPS) process.once(signal, () => resolve(signal))
  })

function failed(message: string): number {
  process.stderr.write(`Error: ${message}\n`)
  return 1
}
