import { json } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Asked } from './route.ts'

export function status({ control, context: { host, clock } }: Pick<Asked, 'control' | 'context'>): Answer {
  const statuses = host.statuses()
  const { lastReload } = control
  return json({
    version: control.version,
    node: process.version,
    pid: process.pid,
    started: timeOf(host.startTime),
    uptime: Math.round((clock.now() - host.startTime) / 1000),
    ready: host.ready,
    log_level: control.logLevel,
    pipelines: [...new Set(statuses.flatMap(({ pipelines }) => pipelines))],
    components: statuses.map(({ kind, id, pipelines, state, reason, since }) => ({
      kind,
      id,
      pipelines,
      state,
      reason,
      since: timeOf(since),
    })),
    budgets: control.budgets(),
    queues: control.queues(),
    last_reload: lastReload && { ...lastReload, at: timeOf(lastReload.at) },
  })
}

export const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString()
