import { systemClock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Definition, Kind } from '../component/definition.ts'
import { error } from '../config/fault.ts'
import type { Fault } from '../config/fault.ts'
import type { Configuration, Configured } from '../config/configuration.ts'
import type { Loaded } from '../config/load.ts'
import { masking } from '../config/masking.ts'
import { wholeSource } from '../config/place.ts'
import { CreateFailed } from '../graph/components.ts'
import { Graph } from '../graph/graph.ts'
import { Metrics } from '../graph/metrics.ts'
import { plan } from '../graph/plan.ts'

/**
 * Builds the whole graph of a checked configuration and throws it away: what components find in `create` is a fault too. One that
 * cannot be created is stood in for by one that does nothing, so that the faults of all are found at once.
 */
export function dryRun(configuration: Configuration, { root }: Loaded): Fault[] {
  const faults: Fault[] = []
  const failed: CreateFailed[] = []
  let rest = configuration
  // Each round takes out one component: there are no more of them than that.
  for (;;) {
    const failure = built(rest)
    if (failure === undefined) return faults
    if (!failed.some((other) => isConsequence(failure, other))) faults.push(createFault(failure, configuration, root))
    failed.push(failure)
    rest = without(rest, failure)
  }
}

/** The first failure, or undefined where all can be created. */
function built(configuration: Configuration): CreateFailed | undefined {
  const environment = {
    clock: systemClock,
    log: SILENT,
    logOf: () => SILENT,
    metrics: new Metrics(),
    // Nobody collects; what there would be to collect decides whether a receiver of it makes sense.
    own: {
      level: configuration.service.telemetry.metrics.level,
      collect: () => Promise.reject(new Error('a dry run')),
    },
    startTime: Date.now(),
  }
  try {
    void new Graph(plan(configuration), environment)
    return undefined
  } catch (thrown) {
    if (thrown instanceof CreateFailed) return thrown
    throw thrown
  }
}

/** What fails for want of an extension that failed is not told of: it would be well with it. */
const isConsequence = ({ message }: CreateFailed, { kind, id }: CreateFailed): boolean =>
  kind === 'extension' && message.includes(`extension "${id}"`)

/** The configuration with a component in place of the failed one that can be created. */
function without(configuration: Configuration, { kind, id }: CreateFailed): Configuration {
  const section = `${kind as Kind}s` as const
  const components: ReadonlyMap<string, Configured> = configuration[section]
  const failed = components.get(id)
  if (failed === undefined) throw new Error(`nothing is called ${kind} "${id}"`)
  const definition = { ...failed.definition, create: () => INERT } as unknown as Definition
  return { ...configuration, [section]: new Map([...components, [id, { ...failed, definition }]]) }
}

/** Passes for any kind of component as long as nothing is started. */
const INERT = { steps: [], operator: <T>(input: T): T => input, offers: [] }

/** `root` is the configuration as it was read: values in it that came from variables are taken out of the message. */
function createFault({ kind, id, message }: CreateFailed, configuration: Configuration, root: Loaded['root']): Fault {
  const section = `${kind as Kind}s` as const
  const components: ReadonlyMap<string, Configured> = configuration[section]
  const place = components.get(id)?.place ?? wholeSource('')
  const shown = root === undefined ? message : masking(root)(message)
  return error({ code: 'not_created', message: shown, path: `${section}::${id}`, place })
}

const nothing = (): void => {}
const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
