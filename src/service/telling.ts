import type { Log } from '../component/context.ts'
import type { ReloadReport } from '../component/control.ts'
import type { Division } from '../graph/division.ts'

/** What came of a reload, for the log. */
export function tellReload(log: Log, report: ReloadReport): void {
  const { outcome, faults, started, stopped, needsRestart: restart, kept } = report
  const took = Math.round(report.took)
  switch (outcome) {
    case 'unchanged':
      log.info({}, 'The configuration is the same; nothing was touched')
      break
    case 'reloaded':
      log.info({ started, stopped, kept: kept.length, took }, 'The new configuration is in effect')
      break
    case 'refused':
      log.error({ faults }, 'The new configuration is refused; the old one stays in effect')
      break
    case 'rolled_back':
      log.error({ faults, took }, 'The new configuration could not be started; the old one is back')
      break
    case 'failed':
      log.error({ faults, took }, 'A reload failed, and what it had stopped could not be started again')
  }
  if (restart.length > 0) log.warn({ settings: restart }, 'These settings take effect after a restart')
}

/** Which pipelines run in several processes, and why the others do not. */
export function tellDivision(log: Log, { processes, copied, pinned }: Division): void {
  const once = Object.fromEntries(pinned)
  if (processes === 1) log.warn({ pipelines: once }, 'service::workers has no effect: no pipeline can be copied')
  else log.info({ processes, pipelines: copied, once }, 'Several processes share the work')
}
