import type { Configuration } from '../config/configuration.ts'
import { info, warning } from '../config/fault.ts'
import type { Fault } from '../config/fault.ts'
import { divide } from '../graph/division.ts'

/** Where there are to be several processes: which pipelines run in one alone, and why. */
export function divisionFaults(configuration: Configuration): Fault[] {
  const { workers = 1, pipelines } = configuration.service
  if (workers === 1) return []
  const { processes, pinned } = divide(configuration, workers)
  const about = processes === 1 ? warning : info
  return pipelines.flatMap(({ id, place }) => {
    const reason = pinned.get(id)
    if (reason === undefined) return []
    const message = `runs in one process, and not in ${workers}: ${reason}`
    return [about({ code: 'exists_once', message, path: `service::pipelines::${id}`, place })]
  })
}
