import { systemClock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Catalog } from '../component/catalog.ts'
import type { Configuration } from '../config/configuration.ts'
import { Graph } from '../graph/graph.ts'
import { Metrics } from '../graph/metrics.ts'
import { plan } from '../graph/plan.ts'
import { ownResource, Telemetry } from '../telemetry/own-telemetry.ts'
import { observeProcess } from '../telemetry/process-metrics.ts'
import { startReaders } from '../telemetry/readers.ts'
import { observeRuntime } from '../telemetry/runtime-metrics.ts'
import { logger } from './logger.ts'
import { ownPackage } from './package.ts'

/** How long a stop may take to send what is left, in milliseconds, before the rest is counted and dropped. */
const DRAIN = 10_000
/** npm and the terminal may both send SIGINT: a repeat within this many milliseconds is the same signal. */
const SAME_SIGNAL = 500
/** A terminal that goes away sends SIGHUP; until there is a reload, it stops as the others do. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs a checked configuration until a signal ends it. Resolves to the exit code. */
export async function run(configuration: Configuration, catalog: Catalog): Promise<number> {
  const { telemetry } = configuration.service
  const { version } = ownPackage()
  const resource = ownResource(telemetry.resource, version)
  const log = logger(telemetry.logs, resource)
  const startTime = Date.now()
  const metrics = new Metrics(telemetry.metrics.level)
  const own = new Telemetry({ metrics, resource, version, clock: systemClock, startTime })
  const logOf = (kind: string, id: string) => log.child({ 'otelcol.component.kind': kind, 'otelcol.component.id': id })
  const graph = new Graph(plan(configuration), { clock: systemClock, log, logOf, metrics, own, startTime })
  const stopped = onSignal()
  const guarded = onStray(log)
  const alive = setInterval(() => {}, 2 ** 30)
  const observed = observe(metrics, startTime)
  try {
    // As in the Collector, a taken address is found before anything else starts.
    const readers = await startReaders(telemetry.metrics.readers, { own, log, catalog })
    await graph.start(stopped.early)
    log.info(
      { pipelines: configuration.service.pipelines.length },
      'Everything is ready. Begin running and processing data.',
    )
    const signal = await stopped.first
    log.info({ signal }, 'Stopping')
    const deadline = AbortSignal.any([AbortSignal.timeout(DRAIN), stopped.second])
    await graph.stop(deadline).finally(() => readers.stop(deadline))
    log.info({}, 'Stopped')
    return 0
  } catch (error) {
    log.error({ error: messagesOf(error) }, graph.ready ? 'Telegen failed' : 'Telegen could not start or stop cleanly')
    return 1
  } finally {
    clearInterval(alive)
    observed.forEach((forget) => forget())
    stopped.forget()
    guarded.forget()
  }
}

/** What is seen of the process itself, where anybody will see it. */
const observe = (metrics: Metrics, startTime: number) => [
  ...(metrics.shows('basic') ? [observeProcess(metrics, startTime)] : []),
  ...(metrics.shows('normal') ? [observeRuntime(metrics)] : []),
]

/** A component that throws in a callback of its own, where no stage can catch it, is reported; the process goes on. */
function onStray(log: Log) {
  const handle = (error: unknown) =>
    log.error(
      { error: error instanceof Error ? error.stack : String(error) },
      'A component threw where nobody could catch it',
    )
  process.on('uncaughtException', handle)
  process.on('unhandledRejection', handle)
  return {
    forget() {
      process.off('uncaughtException', handle)
      process.off('unhandledRejection', handle)
    },
  }
}

/** The first signal begins the stop; another one, later than `SAME_SIGNAL`, ends the drain at once. */
function onSignal() {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  const early = new AbortController()
  const force = new AbortController()
  let firstAt: number | undefined
  const handle = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (firstAt === undefined) {
      firstAt = now
      resolve(signal)
      early.abort(new Error(`${signal} before everything had started`))
    } else if (now - firstAt > SAME_SIGNAL) force.abort(new Error(`${signal} a second time`))
  }
  for (const signal of SIGNALS) process.on(signal, handle)
  return {
    first: promise,
    /** Aborts with the first signal: whoever still starts leaves off. */
    early: early.signal,
    second: force.signal,
    forget: () => SIGNALS.forEach((signal) => process.off(signal, handle)),
  }
}

const messagesOf = (error: unknown): string =>
  error instanceof AggregateError
    ? error.errors.map(messagesOf).join('; ')
    : error instanceof Error
      ? error.message
      : String(error)
