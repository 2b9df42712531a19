import type { SendingOptions } from '../../component/sending-options.ts'
import { ByteBudget } from '../../data/memory/byte-budget.ts'
import { SIGNALS } from '../../data/signal.ts'
import type { Signal } from '../../data/signal.ts'
import type { Limits } from '../configuration.ts'
import { info, warning } from '../fault.ts'
import type { Fault } from '../fault.ts'
import type { MemoryLimit } from '../machine/memory-limit.ts'
import { placeOf } from '../node.ts'
import type { Place } from '../place.ts'
import type { Component } from './components.ts'
import type { Written } from './pipelines.ts'

/**
 * The most memory that the data of all pipelines can take, against what there is. Sending queues and whatever else holds batches
 * take theirs out of the signal's limit, which work under way may overdraw by a bound; what receivers take before it, and the
 * process itself, come on top, the latter for each of `workers`.
 */
export function checkMemory(
  components: Iterable<Component>,
  pipelines: readonly Written[],
  limits: Limits,
  place: Place,
  memory: MemoryLimit,
  report: (fault: Fault) => void,
  workers = 1,
): void {
  const before = [...components].flatMap(beforeLimits)
  const used = SIGNALS.filter((signal) => pipelines.some((pipeline) => pipeline.signal === signal))
  if (used.length === 0) return
  const worst = (signal: Signal): number => limits[signal] + new ByteBudget(limits[signal]).overdraftLimit
  const itself = process.memoryUsage.rss() * workers
  const early = before.reduce((total, { bytes }) => total + bytes, 0) * workers
  const sum = used.reduce((total, signal) => total + worst(signal), early + itself)
  const parts = used.map(
    (signal) => `${signal} ${size(limits[signal])} and ${size(worst(signal) - limits[signal])} for work under way`,
  )
  const beforeParts = before.map(({ path, bytes, what }) => `${path} ${size(bytes * workers)} for ${what}`)
  const whose = memory.of === 'cgroup' ? 'the control group allows' : 'the machine has'
  const message =
    `may take ${size(sum)} of memory at worst, sending queues included; ${whose} ${size(memory.bytes)} ` +
    `(${[...parts, ...beforeParts, `${workers === 1 ? 'the process itself' : `${workers} processes themselves`} ${size(itself)}`].join(', ')})`
  const about = { code: 'memory', message, path: 'service::limits', place }
  if (sum <= memory.bytes) report(info(about))
  else report(warning({ ...about, hint: 'lower the limits of the signals, or give it more memory' }))
}

function beforeLimits({ sound, definition, config, path }: Component) {
  const parts = sound && definition?.kind === 'receiver' ? definition.beforeLimits?.(config) : undefined
  return (parts ?? []).map((part) => ({ path, ...part }))
}

/** Queues in memory that are promised more bytes than all data of their signal may take: they are full long before. */
export function checkQueues(
  used: Iterable<Component>,
  pipelines: readonly Written[],
  limits: Limits,
  report: (fault: Fault) => void,
): void {
  for (const component of used) {
    const { sending_queue: queue } = (component.config ?? {}) as { sending_queue?: SendingOptions['queue'] }
    if (component.kind !== 'exporter' || !component.sound || !queue?.enabled || queue.sizer !== 'bytes') continue
    if (queue.storage !== undefined) continue
    const { queue_size: bytes = 0 } = queue
    const signals = pipelines
      .filter(({ exporters }) => exporters.some((part) => part.component === component))
      .map(({ signal }) => signal)
    const small = SIGNALS.find((signal) => signals.includes(signal) && limits[signal] < bytes)
    if (small === undefined) continue
    const message = `never holds ${size(bytes)}: all ${small} together may take ${size(limits[small])}`
    const place = placeOf(component.body, ['sending_queue', 'queue_size'])
    const path = `${component.path}::sending_queue::queue_size`
    report(warning({ code: 'queue_beyond_limit', message, path, place, hint: `raise service::limits::${small}` }))
  }
}

const size = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`
