import { extname } from 'node:path'
import { systemClock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import { ConfigWatch } from '../service/config-watch.ts'
import { controlOf } from '../service/control.ts'
import { messagesOf } from '../service/fault-lines.ts'
import { Service } from '../service/service.ts'
import type { Accepted, Read, ServiceOptions } from '../service/service.ts'
import { logger } from './logger.ts'
import { ownPackage } from './package.ts'

/** How long a stop may take to send what is left, in milliseconds, before the rest is counted and dropped. */
const DRAIN = 10_000
/** npm and the terminal may both send SIGINT: a repeat within this many milliseconds is the same signal. */
const SAME_SIGNAL = 500
const STOPS = ['SIGINT', 'SIGTERM'] as const
const RELOADS = 'SIGHUP'

export interface RunOptions {
  /** Reads the configuration again, from the same places. */
  readonly read: () => Promise<Read>
  /** Whether files of the configuration are watched, and a change in them reloads it. */
  readonly watch: boolean
}

/** Runs a checked configuration until a signal ends it. Resolves to the exit code. Throws `CreateFailed`. */
export async function run(first: Accepted, { read, watch }: RunOptions): Promise<number> {
  const { version } = ownPackage()
  const service = new Service({
    first,
    read,
    version,
    logger,
    clock: systemClock,
    controlOf: (asked) => controlOf(asked, version),
    ...((first.configuration.service.workers ?? 1) > 1 && { hire: await hiring() }),
  })
  const { log } = service
  const stopped = onStop()
  const guarded = onStray(log)
  const reload = () => void service.reload()
  process.on(RELOADS, reload)
  const watching = watch ? new ConfigWatch({ filesOf: () => service.sources, onChange: reload, log }) : undefined
  const alive = setInterval(() => {}, 2 ** 30)
  try {
    await service.start(stopped.early)
    watching?.start()
    const signal = await stopped.first
    watching?.stop()
    log.info({ signal }, 'Stopping')
    await service.stop(AbortSignal.any([AbortSignal.timeout(DRAIN), stopped.second]))
    log.info({}, 'Stopped')
    return 0
  } catch (error) {
    log.error(
      { error: messagesOf(error).join('; ') },
      service.graph.ready ? 'Telegen failed' : 'Telegen could not start or stop cleanly',
    )
    return 1
  } finally {
    clearInterval(alive)
    process.off(RELOADS, reload)
    stopped.forget()
    guarded.forget()
  }
}

/** Loaded where there are to be several processes. */
async function hiring(): Promise<NonNullable<ServiceOptions['hire']>> {
  const { Crew } = await import('../service/workers/crew.ts')
  // Beside this one in src/, and in dist/ a module of its own.
  const entry = new URL(`../cli/worker${extname(import.meta.url)}`, import.meta.url)
  return (needs) => new Crew({ ...needs, entry })
}

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
function onStop() {
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
  for (const signal of STOPS) process.on(signal, handle)
  return {
    first: promise,
    /** Aborts with the first signal: whoever still starts leaves off. */
    early: early.signal,
    second: force.signal,
    forget: () => STOPS.forEach((signal) => process.off(signal, handle)),
  }
}
