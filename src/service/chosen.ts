import { patienceOf } from '../component/sending-options.ts'
import type { Configuration } from '../config/configuration.ts'
import { goDuration } from '../config/print/go-duration.ts'
import type { Note } from '../config/print/text.ts'
import { sendingOf, shareOf } from '../graph/components.ts'
import { divide } from '../graph/division.ts'
import { sizeText } from '../graph/draw/size-text.ts'
import type { Plan, PlannedExporter } from '../graph/plan.ts'

/** What Telegen chooses by itself where the configuration leaves it to it. */
export function chosen(configuration: Configuration, planned: Plan): Note[] {
  const receivers = planned.receivers
    .filter(({ config }) => (config as { acknowledge?: string }).acknowledge === 'auto')
    .map(({ id, acknowledge }) => ({ path: ['receivers', id, 'acknowledge'], text: acknowledge }))
  const exporters = planned.exporters.flatMap((exporter) => {
    const { queue } = sendingOf(exporter)
    const written = Object.hasOwn(exporter.config as object, 'sending_queue')
    if (!written || queue?.enabled !== true || queue.queue_size !== undefined) return []
    const shares = exporter.signals.map((signal) => `${sizeText(shareOf(planned, signal))} of ${signal}`)
    const memory = `${shares.join(', ')}, its share of service::limits`
    const disk = `all that ${queue.storage} has room for`
    const size = queue.storage === undefined ? memory : queue.spill ? `${memory}, in memory; on disk ${disk}` : disk
    const text = `queue_size is left out: ${size}`
    return [{ path: ['exporters', exporter.id, 'sending_queue'], text }]
  })
  return [
    ...receivers,
    ...exporters,
    ...planned.exporters.flatMap(patience),
    ...workers(configuration),
    ...ownMetrics(configuration),
  ]
}

/** When a batch is given up, where that is left out. */
function patience(exporter: PlannedExporter): Note[] {
  const sending = sendingOf(exporter)
  const written = Object.hasOwn(exporter.config as object, 'retry_on_failure')
  if (!written || sending.retry?.enabled !== true || sending.retry.max_elapsed_time !== undefined) return []
  const most = patienceOf(sending)
  const text = `max_elapsed_time is left out: ${most === 0 ? '0s, never, since the queue is on disk' : goDuration(most)}`
  return [{ path: ['exporters', exporter.id, 'retry_on_failure'], text }]
}

/** What the processes share, where there are to be several. */
function workers(configuration: Configuration): Note[] {
  const { workers: wanted = 1 } = configuration.service
  if (wanted === 1) return []
  const { processes, copied, pinned } = divide(configuration, wanted)
  const once =
    pinned.size === 0
      ? ''
      : `; in the first alone: ${[...pinned].map(([id, reason]) => `${id} (${reason})`).join(', ')}`
  const text =
    processes === 1 ? 'no effect: no pipeline can be copied' : `${wanted} processes run ${copied.join(', ')}${once}`
  return [{ path: ['service', 'workers'], text }]
}

/** Where Telegen's own metrics are looked at, when nobody says. */
function ownMetrics({ service }: Configuration): Note[] {
  const { level, readers } = service.telemetry.metrics
  if (level === 'none') return []
  return readers.flatMap((reader) => {
    if (reader.kind !== 'prometheus' || reader.written) return []
    const text = `readers is left out: Prometheus looks at ${reader.host}:${reader.port}`
    return [{ path: ['service', 'telemetry', 'metrics'], text }]
  })
}
