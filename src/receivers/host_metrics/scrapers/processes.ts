import { setImmediate } from 'node:timers/promises'
import { Options } from '../../../plugin.ts'
import type { Count } from '../count.ts'
import { Fields } from '../fields.ts'
import type { HostFiles } from '../host-files.ts'
import type { MetricTable } from '../metric.ts'
import { metricSwitches } from '../metric.ts'
import { parseStat } from '../proc/stat.ts'
import type { Host, Scraper } from '../scraper.ts'
import { attempt } from '../scraper.ts'

const COUNT = 'system.process.count'
const CREATED = 'system.process.created'
const LIMIT = 'system.process.limit'

export const processesMetrics = {
  [COUNT]: {
    kind: 'up_down_counter',
    unit: '{process}',
    value: 'int',
    enabled: true,
    description: 'Total number of processes in each state.',
    formerly: 'system.processes.count',
  },
  [CREATED]: {
    kind: 'counter',
    unit: '{process}',
    value: 'int',
    enabled: true,
    description: 'Total number of processes created over uptime of the host.',
    formerly: 'system.processes.created',
  },
  [LIMIT]: {
    kind: 'up_down_counter',
    unit: '{thread}',
    value: 'int',
    enabled: false,
    description: 'The maximum number of concurrent processes/tasks allowed by the operating system.',
  },
} satisfies MetricTable

export const processesOptions = Options(
  { metrics: metricSwitches(processesMetrics) },
  { description: 'Numbers of processes.' },
)

/** Reads the state of every process, and from /proc/stat how many there have been. */
export function processes({ files, enabled }: Host): Scraper {
  return async (abort) => {
    const states = enabled.has(COUNT) ? await attempt(countStates(files, abort)) : undefined
    const created = enabled.has(CREATED) ? await attempt(readCreated(files, abort)) : undefined
    const limit = enabled.has(LIMIT) ? await attempt(readLimit(files, abort)) : undefined
    return (to) => {
      for (const [state, value] of to.known(states) ?? []) to.add(COUNT, value, { 'process.state': state })
      const knownCreated = to.known(created)
      if (knownCreated !== undefined) to.add(CREATED, knownCreated)
      const knownLimit = to.known(limit)
      if (knownLimit !== undefined) to.add(LIMIT, knownLimit)
    }
  }
}

/** The kernel's letters (proc_pid_stat(5)). The conventions know the first four states; for the other two the Collector's words stand. */
const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  T: 'stopped',
  t: 'stopped',
  Z: 'defunct',
  D: 'blocked',
  I: 'idle',
}
/** For letters that say nothing to people, such as a parked thread's. */
const OTHER = 'unknown'

/** As many processes as the kernel may have at most (PID_MAX_LIMIT). */
const MAX_PROCESSES = 4_194_304
/** Processes that are read in one go, about a millisecond, before others get their turn. */
const SLICE = 64

async function countStates(files: HostFiles, abort: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const counts = new Map(Object.values(STATES).map((state) => [state, 0]))
  const processes = (await files.list('/proc')).filter((name) => /^\d{1,10}$/.test(name)).slice(0, MAX_PROCESSES)
  for (const [index, id] of processes.entries()) {
    if (index % SLICE === SLICE - 1) await setImmediate()
    abort.throwIfAborted()
    const state = readState(files, id)
    if (state !== undefined) counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return counts
}

/** Undefined where the process has ended meanwhile. */
function readState(files: HostFiles, id: string): string | undefined {
  try {
    const stat = files.readStartNow(`/proc/${id}/stat`)
    // `12 (name) S 1 …`: the name may hold anything, so the state stands behind the last parenthesis.
    const letter = stat.toString('latin1', stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
    return STATES[letter] ?? OTHER
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

async function readCreated(files: HostFiles, abort: AbortSignal): Promise<Count> {
  const { processesCreated } = parseStat(await files.read('/proc/stat', abort))
  if (processesCreated === undefined) throw new Error('/proc/stat does not tell how many processes were created')
  return processesCreated
}

async function readLimit(files: HostFiles, abort: AbortSignal): Promise<Count> {
  const fields = new Fields(await files.read('/proc/sys/kernel/pid_max', abort))
  fields.nextLine()
  const limit = fields.integer()
  if (limit === undefined) throw new Error('/proc/sys/kernel/pid_max is no number')
  return limit
}
