import { join } from 'node:path'
import type { WorkerStart } from './messages.ts'
import type { KnownProcess } from './processes/known-process.ts'
import { Selection } from './processes/selection.ts'
import { ProcessTable } from './processes/table.ts'
import type { SessionProcesses } from './session.ts'
import type { Process } from './tracer.ts'

/** As `bpf/include/event.h` has them; `UNKNOWN` takes the entry out. */
const UNKNOWN = 0
const LEAVE_OUT = 1
const TRACE = 2

/** The processes that events are of, read from `/proc` where the host's is. */
export function sessionProcesses({ config, ownPids }: WorkerStart): SessionProcesses {
  const verdicts = new Map<number, number>()
  const table = new ProcessTable({
    selection: new Selection(config.selection),
    own: ownPids,
    procPath: join(config.rootPath || '/', 'proc'),
    verdict: (pid, traced) => void verdicts.set(pid, traced === undefined ? UNKNOWN : traced ? TRACE : LEAVE_OUT),
  })
  return Object.assign(table, {
    hasEnded(process: Process) {
      if (process === table.host) return false
      if ((process as KnownProcess).endedAt !== undefined) return true
      // One that has become another program is another one to the table, but where nothing that is told of it has changed.
      return table.of(process.pid, process.name).resource !== process.resource
    },
    takeVerdicts() {
      if (verdicts.size === 0) return NONE
      const taken = [...verdicts]
      verdicts.clear()
      return taken
    },
  })
}

const NONE: readonly (readonly [number, number])[] = []
