import type { ComponentState, ComponentStatus, Host } from '../../plugin.ts'

/** The JSON that the Collector's healthcheckv2 answers. */
export interface StatusReport {
  readonly start_time?: string
  readonly healthy: boolean
  readonly status: string
  readonly error?: string
  readonly status_time: string
  readonly components?: Readonly<Record<string, StatusReport>>
}

const NAMES: Readonly<Record<ComponentState, string>> = {
  none: 'StatusNone',
  starting: 'StatusStarting',
  ok: 'StatusOK',
  recoverable_error: 'StatusRecoverableError',
  permanent_error: 'StatusPermanentError',
  fatal_error: 'StatusFatalError',
  stopping: 'StatusStopping',
  stopped: 'StatusStopped',
}

/** Of several states the first of these is the state of all. */
const WORST_FIRST: readonly ComponentState[] = [
  'fatal_error',
  'permanent_error',
  'recoverable_error',
  'stopping',
  'stopped',
  'starting',
  'none',
  'ok',
]

const FAILING: ReadonlySet<ComponentState> = new Set(['fatal_error', 'permanent_error', 'recoverable_error'])

export const isFailing = ({ state }: ComponentStatus): boolean => FAILING.has(state)

/** The whole, pipelines and extensions under it, components under those. `verbose`: with all of them. */
export function statusReport(host: Host, verbose: boolean): StatusReport {
  const statuses = host.statuses()
  const components: Record<string, StatusReport> = {}
  const extensions = statuses.filter(({ kind }) => kind === 'extension')
  if (extensions.length > 0) components['extensions'] = group(extensions, verbose)
  for (const id of new Set(statuses.flatMap(({ pipelines }) => pipelines)))
    components[`pipeline:${id}`] = group(
      statuses.filter(({ pipelines }) => pipelines.includes(id)),
      verbose,
    )
  return { start_time: timeOf(host.startTime), ...combined(statuses), ...(verbose && { components }) }
}

/** Undefined where there is no such pipeline. */
export function pipelineReport(host: Host, id: string, verbose: boolean): StatusReport | undefined {
  const statuses = host.statuses().filter(({ pipelines }) => pipelines.includes(id))
  return statuses.length === 0 ? undefined : { start_time: timeOf(host.startTime), ...group(statuses, verbose) }
}

/** As the Collector does by default: only what is not running, or cannot go on, is no success. */
export function httpStatusOf({ status }: StatusReport): number {
  switch (status) {
    case NAMES.none:
    case NAMES.starting:
    case NAMES.stopping:
    case NAMES.stopped:
      return 503
    case NAMES.fatal_error:
      return 500
    default:
      return 200
  }
}

function group(statuses: readonly ComponentStatus[], verbose: boolean): StatusReport {
  if (!verbose) return combined(statuses)
  return {
    ...combined(statuses),
    components: Object.fromEntries(statuses.map((each) => [`${each.kind}:${each.id}`, combined([each])])),
  }
}

/** That of the worst, of equally bad ones of the latest. */
function combined(statuses: readonly ComponentStatus[]): StatusReport {
  const [worst] = statuses.toSorted(
    (left, right) => WORST_FIRST.indexOf(left.state) - WORST_FIRST.indexOf(right.state) || right.since - left.since,
  )
  if (worst === undefined) return { healthy: true, status: NAMES.ok, status_time: timeOf(0) }
  return {
    healthy: worst.state === 'ok',
    status: NAMES[worst.state],
    ...(worst.reason !== undefined && { error: worst.reason }),
    status_time: timeOf(worst.since),
  }
}

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString()
