import { systemClock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Kind } from '../component/definition.ts'
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

/** Builds the whole graph of a checked configuration and throws it away: what a component finds in `create` is a fault too. */
export function dryRun(configuration: Configuration, { root }: Loaded): Fault[] {
  const environment = {
    clock: systemClock,
    log: SILENT,
    logOf: () => SILENT,
    metrics: new Metrics(),
    startTime: Date.now(),
  }
  try {
    void new Graph(plan(configuration), environment)
    return []
  } catch (thrown) {
    if (thrown instanceof CreateFailed) return [createFault(thrown, configuration, root)]
    throw thrown
  }
}

/** `root` is the configuration as it was read: values in it that came from variables are taken out of the message. */
export function createFault(
  { kind, id, message }: CreateFailed,
  configuration: Configuration,
  root: Loaded['root'],
): Fault {
  const section = `${kind as Kind}s` as const
  const components: ReadonlyMap<string, Configured> = configuration[section]
  const place = components.get(id)?.place ?? wholeSource('')
  const shown = root === undefined ? message : masking(root)(message)
  return error({ code: 'not_created', message: shown, path: `${section}::${id}`, place })
}

const nothing = (): void => {}
const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
