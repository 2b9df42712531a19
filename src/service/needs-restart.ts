import type { Telemetry } from '../config/telemetry.ts'
import { equal } from '../graph/equal.ts'

/** Settings that differ and that a running process does not change: what has been measured and written already hangs on them. */
export function needsRestart(before: Telemetry, after: Telemetry): string[] {
  const { level: _, ...logsBefore } = before.logs
  const { level: __, ...logsAfter } = after.logs
  const settings: [string, unknown, unknown][] = [
    ['service::telemetry::metrics::level', before.metrics.level, after.metrics.level],
    ['service::telemetry::resource', before.resource, after.resource],
    ['service::telemetry::logs', logsBefore, logsAfter],
  ]
  return settings.filter(([, old, fresh]) => !equal(old, fresh)).map(([name]) => name)
}
