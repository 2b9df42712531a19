import type { Log } from '../component/context.ts'
import type { Measured } from '../graph/metrics.ts'
import type { OtlpMetricExporter, PeriodicReader } from '../config/telemetry.ts'
import { consoleText } from './console-text.ts'
import { counts, since } from './deltas.ts'
import { encode } from './otlp.ts'
import { otlpSink } from './otlp-sink.ts'
import type { Telemetry } from './own-telemetry.ts'
import type { Reader, ReaderContext } from './readers.ts'

/** Where the measurements of one interval go. Rejects where they did not arrive. */
export interface MetricSink {
  take(interval: Interval, abort: AbortSignal): Promise<void>
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

  const tell = async (abort: AbortSignal): Promise<void> => {
    const now = { measured: own.measured(), time: clock.now() }
    try {
      await sink.take({ ...now, before: arrived.measured, beforeTime: arrived.time }, abort)
      arrived = now
    } catch (error) {
      warn(log, error)
    }
  }
  const timer = clock.every(interval, () => {
    underway ??= tell(AbortSignal.timeout(timeout)).finally(() => (underway = undefined))
  })
  return {
    async stop(deadline) {
      timer.cancel()
      await underway
      if (!deadline.aborted) await tell(AbortSignal.any([deadline, AbortSignal.timeout(timeout)]))
      await sink.stop(deadline)
    },
  }
}

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
    async take({ measured, before, beforeTime, time }, abort) {
      const deltas = since(before, measured.filter(isDelta))
      const whole = measured.filter((each) => !isDelta(each))
      const about = { resource, version, time }
      const batches = [
        ...(deltas.length > 0
          ? [await encode({ ...about, measured: deltas, start: beforeTime, temporality: () => 'delta' })]
          : []),
        await encode({ ...about, measured: whole, start: startTime, temporality: () => 'cumulative' }),
      ]
      await sink.send(batches, abort)
    },
    stop: (deadline) => sink.stop(deadline),
  }
}
