import type { Service } from '../config/configuration.ts'
import { equal } from '../graph/equal.ts'

type Settings = Pick<Service, 'telemetry' | 'workers'>

/** Settings that differ and that a running process does not change: what has been measured and written already hangs on them. */
export function needsRestart(before: Settings, after: Settings): string[] {
  const { level: _, ...logsBefore } = before.telemetry.logs
  const { level: __, ...logsAfter } = after.telemetry.logs
  const settings: [string, unknown, unknown][] = [
    ['service::telemetry::metrics::level', before.telemetry.metrics.level, after.telemetry.metrics.level],
    ['service::telemetry::resource', before.telemetry.resource, after.telemetry.resource],
    ['service::telemetry::logs', logsBefore, logsAfter],
    ['service::workers', before.workers ?? 1, after.workers ?? 1],
  ]
  return settings.filter(([, old, fresh]) => !equal(old, fresh)).map(([name]) => name)
}
