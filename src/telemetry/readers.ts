import type { MetricReader } from '../config/telemetry.ts'
import type { Reader, ReaderContext } from './reader.ts'

/**
 * Starts the readers of a configuration; each is loaded when there is one. Where one cannot start, the others are stopped and
 * it rejects; but a default that nobody wrote only warns: two Telegens on one host, agent and collector, both run.
 */
export async function startReaders(readers: readonly MetricReader[], context: ReaderContext): Promise<Reader> {
  const started: Reader[] = []
  const stop = async (deadline: AbortSignal) => {
    await Promise.all(started.map((reader) => reader.stop(deadline)))
  }
  if (context.own.level === 'none') return { stop }
  for (const reader of readers) {
    try {
      started.push(await start(reader, context))
    } catch (error) {
      if (reader.kind === 'prometheus' && !reader.written) {
        context.log.warn(
          { error: (error as Error).message },
          'Metrics of Telegen itself are not offered: the default address is taken. service::telemetry::metrics::readers names another',
        )
        continue
      }
      await stop(AbortSignal.abort(error))
      throw error
    }
  }
  return { stop }
}

async function start(reader: MetricReader, context: ReaderContext): Promise<Reader> {
  if (reader.kind === 'prometheus')
    return (await import('./prometheus-reader.ts')).readByPrometheus(reader, context.own, context.log)
  return (await import('./periodic-reader.ts')).readPeriodically(reader, context)
}
