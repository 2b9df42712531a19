import type { Signal } from '../data/signal.ts'
import type { Assembly } from './parts.ts'
import { senderKey } from './parts.ts'
import type { Places } from './places.ts'
import type { Plan, PlannedPipeline, PlannedReceiver } from './plan.ts'
import type { Entrance } from './receiver-ingress.ts'

/** Tells every receiver what is behind its gates: queues that guard them, and whether something there reads what comes. */
export function lead(assembly: Assembly, places: Places): void {
  const { plan, receivers } = assembly
  for (const { created, ingress } of receivers) {
    const planned = plan.receivers.find(({ id }) => id === created.id) as PlannedReceiver
    const entrances = [...planned.outlets.keys()].map(
      (signal) => [signal, entrance(planned, signal, assembly, places)] as const,
    )
    ingress.lead(planned.acknowledge, new Map(entrances))
  }
}

function entrance({ outlets, reaches }: PlannedReceiver, signal: Signal, assembly: Assembly, places: Places): Entrance {
  const rooms = (reaches.get(signal) ?? []).flatMap(
    ({ exporter, signal: as }) => places.roomOf(senderKey(exporter, as)) ?? [],
  )
  return { rooms, validates: (outlets.get(signal) ?? []).some((id) => opens(id, assembly)) }
}

/** Whether something in or behind this pipeline reads batches or merges them. */
function opens(id: string, assembly: Assembly): boolean {
  const { plan } = assembly
  const pipeline = plan.pipelines.find((each) => each.id === id) as PlannedPipeline
  return (
    assembly
      .processorsOf(pipeline)
      .some(({ created: { instance } }) => 'steps' in instance || instance.opensBatches !== false) ||
    pipeline.targets.some((target) => target.kind === 'connector' || !forwards(target.id, plan))
  )
}

const forwards = (exporter: string, { exporters }: Plan): boolean =>
  exporters.find(({ id }) => id === exporter)?.definition.forwards === true
