import type { Log } from '../component/context.ts'
import type { Measured } from '../graph/metrics.ts'
import type { OtlpMetricExporter, PeriodicReader } from '../config/telemetry.ts'
import { consoleText } from './console-text.ts'
import { counts, since } from './deltas.ts'
import { encode } from './otlp.ts'
import { otlpSink } from './otlp-sink.ts'
import type { Telemetry } from './own-telemetry.ts'
import type { Reader, ReaderContext } from './reader.ts'

/** How long the last sending may hold up a stop, in milliseconds: whoever watches Telegen may be gone before it. */
const FAREWELL = 2_000

/** Where the measurements of one interval go. Rejects where they did not arrive, when it is sure that they will not. */
export interface MetricSink {
  take(interval: Interval): Promise<void>
  stop(deadline: AbortSignal): Promise<void>
}

export interface Interval {
  readonly measured: readonly Measured[]
  /** What had arrived before, and when it was read, in milliseconds since the Unix epoch. */
  readonly before: readonly Measured[]
  readonly beforeTime: number
  readonly time: number
}

/** Tells the metrics every so often, and once more at the stop. One at a time: what a failed one had is in the next. */
export async function readPeriodically(reader: PeriodicReader, context: ReaderContext): Promise<Reader> {
  const { own, log } = context
  const { clock, startTime } = own.options
  const { exporter, interval, timeout } = reader
  const sink = exporter.kind === 'console' ? printing(own) : await sending(exporter, timeout, context)
  let arrived = { measured: [] as readonly Measured[], time: startTime }
  let underway: Promise<void> | undefined

  const tell = async (): Promise<void> => {
    try {
      const now = { measured: await own.measured(), time: clock.now() }
      await sink.take({ ...now, before: arrived.measured, beforeTime: arrived.time })
      arrived = now
    } catch (error) {
      warn(log, error)
    }
  }
  const timer = clock.every(interval, () => {
    underway ??= tell().finally(() => (underway = undefined))
  })
  return {
    async stop(deadline) {
      timer.cancel()
      const end = AbortSignal.any([deadline, AbortSignal.timeout(FAREWELL)])
      const last = (underway ?? Promise.resolve()).then(() => (end.aborted ? undefined : tell()))
      await Promise.race([last, aborted(end)])
      await sink.stop(end)
    },
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

const warn = (log: Log, error: unknown) =>
  log.warn({ error: error instanceof Error ? error.message : String(error) }, 'Metrics of Telegen itself were not sent')

function printing({ options: { resource } }: Telemetry): MetricSink {
  return {
    take: async ({ measured, time }) => void process.stdout.write(consoleText(measured, resource, time)),
    stop: async () => {},
  }
}

async function sending(exporter: OtlpMetricExporter, timeout: number, context: ReaderContext): Promise<MetricSink> {
  const { resource, version, startTime } = context.own.options
  const { temporality: wanted } = exporter
  const isDelta = (each: Measured) =>
    wanted === 'delta' ? counts(each) : wanted === 'lowmemory' && counts(each) && !each.observed
  const sink = await otlpSink(exporter, timeout, context)
  return {
    async take({ measured, before, beforeTime, time }) {
      const deltas = new Map(since(before, measured.filter(isDelta)).map((each) => [each.name, each]))
      const delta = { since: beforeTime, temporality: 'delta' } as const
      const cumulative = { since: startTime, temporality: 'cumulative' } as const
      // One request: where a part arrived and the other did not, the next could not know what to repeat.
      const batch = await encode({
        measured: measured.map((each) => deltas.get(each.name) ?? each),
        resource,
        version,
        time,
        counted: ({ name }) => (deltas.has(name) ? delta : cumulative),
      })
      await sink.send(batch)
    },
    stop: (deadline) => sink.stop(deadline),
  }
}
