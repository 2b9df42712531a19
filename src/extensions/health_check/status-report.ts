import { worst } from './aggregation.ts'
import type { Priority, State } from './aggregation.ts'
import type { ComponentState, ComponentStatus, Host } from '../../plugin.ts'
import type { ComponentHealth } from './options.ts'

/** The JSON that the Collector's healthcheckv2 answers. */
export interface StatusReport {
  readonly start_time?: string
  readonly healthy: boolean
  readonly status: string
  readonly error?: string
  readonly status_time: string
  readonly attributes: object
  readonly components?: Readonly<Record<string, StatusReport>>
}

/** A state, and those that it was made of. */
interface Node extends State {
  readonly parts: ReadonlyMap<string, Node>
}

const NO_PARTS: Node['parts'] = new Map()

/** The part of a report that is about extensions. */
const EXTENSIONS = 'extensions'

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

const FAILING: ReadonlySet<ComponentState> = new Set(['fatal_error', 'permanent_error', 'recoverable_error'])

export const isFailing = ({ state }: ComponentStatus): boolean => FAILING.has(state)

/** What is known of the health of the whole, of a pipeline or of the extensions, as the Collector puts it together. */
export class Health {
  readonly #host: Host
  readonly #counted: ComponentHealth | undefined
  readonly #priority: Priority

  constructor(host: Host, counted: ComponentHealth | undefined) {
    this.#host = host
    this.#counted = counted
    this.#priority =
      counted?.include_recoverable_errors && !counted.include_permanent_errors ? 'recoverable' : 'permanent'
  }

  /** `scope`: empty for the whole, `extensions`, or the id of a pipeline. Undefined where there is none of that name. */
  of(scope: string): Node | undefined {
    const whole = this.#whole()
    if (scope === '') return whole
    return whole.parts.get(scope === EXTENSIONS ? scope : `pipeline:${scope}`)
  }

  report(node: Node, isVerbose: boolean, now: number): StatusReport {
    return { start_time: timeOf(this.#host.startTime), ...this.#described(node, isVerbose, now) }
  }

  /** HTTP status of a report. What is not running, or cannot go on, is no success; what fails is one unless it is told to count. */
  httpStatus(node: Node, now: number): number {
    if (this.#counted !== undefined && !this.isHealthy(node, now)) return 500
    switch (node.state) {
      case 'none':
      case 'starting':
      case 'stopping':
      case 'stopped':
        return 503
      case 'fatal_error':
        return 500
      default:
        return 200
    }
  }

  /** Where nothing is told to count, whatever fails does: the field `healthy` alone hangs on it. */
  isHealthy({ state, since }: State, now: number): boolean {
    if (this.#counted === undefined) return state === 'ok'
    if (state === 'permanent_error') return !this.#counted.include_permanent_errors
    if (state === 'recoverable_error' && this.#counted.include_recoverable_errors)
      return now < since + this.#counted.recovery_duration
    return state !== 'fatal_error'
  }

  #described(node: Node, isVerbose: boolean, now: number): StatusReport {
    const components = [...node.parts].map(([name, part]) => [name, this.#described(part, isVerbose, now)] as const)
    return {
      healthy: this.isHealthy(node, now),
      status: NAMES[node.state],
      ...(node.reason !== undefined && { error: node.reason }),
      status_time: timeOf(node.since),
      attributes: {},
      ...(isVerbose && components.length > 0 && { components: Object.fromEntries(components) }),
    }
  }

  #whole(): Node {
    const groups = new Map<string, Map<string, Node>>()
    for (const { kind, id, pipelines, ...state } of this.#host.statuses()) {
      const of = kind === 'extension' ? [EXTENSIONS] : pipelines.map((pipeline) => `pipeline:${pipeline}`)
      for (const name of of) {
        const group = groups.get(name) ?? new Map<string, Node>()
        groups.set(name, group.set(`${kind}:${id}`, { ...state, parts: NO_PARTS }))
      }
    }
    return this.#joined(new Map([...groups].map(([name, parts]) => [name, this.#joined(parts)])))
  }

  #joined(parts: ReadonlyMap<string, Node>): Node {
    return { ...worst([...parts.values()], this.#priority), parts }
  }
}

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString()
