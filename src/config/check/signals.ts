import type { Definition } from '../../component/definition.ts'
import type { Signal } from '../../data/signal.ts'
import { SIGNALS } from '../../data/signal.ts'
import { error } from '../fault.ts'
import type { Fault } from '../fault.ts'
import type { Part, Written } from './pipelines.ts'

/** Whether every component can do the signal of the pipelines it stands in. Connectors have their own check. */
export function checkSignals(pipelines: readonly Written[], report: (fault: Fault) => void): void {
  for (const pipeline of pipelines) {
    for (const part of [...pipeline.receivers, ...pipeline.processors, ...pipeline.exporters]) {
      const { definition } = part.component
      if (definition === undefined || definition.kind === 'connector' || supports(definition, pipeline.signal)) continue
      report(mismatch(part, definition, pipeline))
    }
  }
}

const supports = (definition: Definition, signal: Signal): boolean => Object.hasOwn(definition.stability, signal)

function mismatch(
  { component: { id, kind }, place }: Part,
  definition: Definition,
  { id: pipeline, signal, path }: Written,
): Fault {
  const where = kind === 'processor' ? `processor, in pipeline "${pipeline}"` : `${kind} for data type "${signal}"`
  const message = `failed to create "${id}" ${where}: telemetry type is not supported`
  const able = SIGNALS.filter((each) => supports(definition, each))
  const hint = `${definition.type} can do ${able.join(', ') || 'no signal at all'}`
  return error({ code: 'unsupported_signal', message, path, place, hint })
}
