import type { Catalog } from '../component/catalog.ts'
import type { Clock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import type { Control, LogLevel, ReloadReport } from '../component/control.ts'
import type { Checked } from '../config/check.ts'
import type { Configuration } from '../config/configuration.ts'
import type { Loaded } from '../config/load.ts'
import type { LogTelemetry } from '../config/telemetry.ts'
import { CreateFailed } from '../graph/components.ts'
import { divide } from '../graph/division.ts'
import type { Division } from '../graph/division.ts'
import { Graph } from '../graph/graph.ts'
import { Metrics } from '../graph/metrics.ts'
import { plan } from '../graph/plan.ts'
import type { Assembly } from '../graph/parts.ts'
import type { Plan } from '../graph/plan.ts'
import { equal } from '../graph/equal.ts'
import { NO_CHANGES } from '../graph/changes.ts'
import type { Changes } from '../graph/changes.ts'
import { ownResource, Telemetry } from '../telemetry/own-telemetry.ts'
import { observeProcess } from '../telemetry/process-metrics.ts'
import { observeRuntime } from '../telemetry/runtime-metrics.ts'
import { holdListeners } from '../transport/listen.ts'
import { shareAddresses } from '../transport/shared-addresses.ts'
import { dryRun } from './dry-run.ts'
import { RunningReaders } from './running-readers.ts'
import { faultLines, messagesOf } from './fault-lines.ts'
import { ReloadMetrics } from './reload-metrics.ts'
import { needsRestart } from './needs-restart.ts'
import { tellDivision, tellReload } from './telling.ts'
import { Turns } from './turns.ts'
import type { Crew, CrewOptions } from './workers/crew.ts'

/** A configuration as it was read, with what it names. */
export interface Read {
  readonly loaded: Loaded
  readonly catalog: Catalog
  readonly checked: Checked
}

/** One that has no faults. */
export interface Accepted extends Read {
  readonly configuration: Configuration
}

/** A log whose level may be changed while it runs, with that of all that were made from it. */
export interface ServiceLog extends Log {
  level: LogLevel
  child(fields: object): Log
}

export interface ServiceOptions {
  /** What to begin with. */
  readonly first: Accepted
  /** Reads it again, from the same places. */
  readonly read: () => Promise<Read>
  readonly version: string
  readonly clock: Clock
  readonly logger: (telemetry: LogTelemetry, resource: object) => ServiceLog
  /** What extensions may ask of this service. */
  readonly controlOf?: (service: Service) => Control
  /** Who starts other processes. Without it, everything runs in this one, whatever `service::workers` says. */
  readonly hire?: (needs: Omit<CrewOptions, 'entry'>) => Crew
}

/** How long what a reload takes out may take to send what it has left, in milliseconds. */
const DRAIN = 10_000

/** The program while it runs: a configuration, the graph made of it, and what is told of both. It starts, reloads and stops in turn. */
export class Service {
  readonly log: ServiceLog
  readonly metrics: Metrics
  readonly graph: Graph
  readonly startTime: number
  readonly #options: ServiceOptions
  readonly #readers: RunningReaders
  readonly #reloads: ReloadMetrics
  readonly #turns = new Turns()
  readonly #stopping = new AbortController()
  readonly #forget: readonly (() => void)[]
  #accepted: Accepted
  #lastRead: Loaded
  readonly #workers: number
  /** The other processes; undefined where there is only this one. */
  readonly crew: Crew | undefined
  #division: Division
  #plan: Plan
  #queued: Promise<ReloadReport> | undefined
  #lastReload: ReloadReport | undefined

  /** Builds everything and starts nothing. Throws `CreateFailed`. */
  constructor(options: ServiceOptions) {
    const { first, version, clock, logger, controlOf, hire } = options
    const { telemetry } = first.configuration.service
    this.#options = options
    this.#accepted = first
    this.#lastRead = first.loaded
    const resource = ownResource(telemetry.resource, version)
    this.log = logger(telemetry.logs, resource)
    this.startTime = clock.now()
    const { startTime, log } = this
    this.metrics = new Metrics(telemetry.metrics.level)
    const { metrics } = this
    this.#workers = hire ? (first.configuration.service.workers ?? 1) : 1
    this.#division = divide(first.configuration, this.#workers)
    const crew = hire && this.#workers > 1 ? hire(this.#needs(resource)) : undefined
    this.crew = crew
    const gathered = crew && { gather: crew.measured.bind(crew) }
    const own = new Telemetry({ metrics, resource, version, clock, startTime, ...gathered })
    const logOf = (kind: string, id: string) =>
      log.child({ 'otelcol.component.kind': kind, 'otelcol.component.id': id })
    this.#plan = plan(this.#division.first)
    const control = controlOf?.(this)
    const others = { ...(control && { control }), ...(crew && { elsewhere: () => crew.statuses() }) }
    this.graph = new Graph(this.#plan, { clock, log, logOf, metrics, own, startTime, holdListeners, ...others })
    this.#readers = new RunningReaders(own, log)
    this.#reloads = new ReloadMetrics(metrics, startTime)
    this.#forget = [
      ...(metrics.shows('basic') ? [observeProcess(metrics, startTime)] : []),
      ...(metrics.shows('normal') ? [observeRuntime(metrics)] : []),
      () => this.#reloads.forget(),
    ]
  }

  get configuration(): Configuration {
    return this.#accepted.configuration
  }

  /** The configuration as it was read. */
  get loaded(): Loaded {
    return this.#accepted.loaded
  }

  /** What was read for it, and by a reload that was refused since: what to watch. */
  get sources(): { readonly files: ReadonlySet<string>; readonly directory: string } {
    const { files, directory } = this.loaded
    return { files: new Set([...files, ...this.#lastRead.files]), directory }
  }

  get catalog(): Catalog {
    return this.#accepted.catalog
  }

  get plan(): Plan {
    return this.#plan
  }

  get division(): Division {
    return this.#division
  }

  get logLevel(): LogLevel {
    return this.log.level
  }

  set logLevel(level) {
    this.log.level = level
    if (this.crew) this.crew.logLevel = level
  }

  /** Undefined until there was one. */
  get lastReload(): ReloadReport | undefined {
    return this.#lastReload
  }

  /** Resolves when data flows. Rejects, everything stopped again, with what failed or the reason of `abort`. */
  start(abort: AbortSignal): Promise<void> {
    return this.#turns.take(async () => {
      // As in the Collector, a taken address is found before anything else starts.
      await this.#readers.become(this.configuration.service.telemetry.metrics.readers, this.catalog)
      try {
        await this.#startAll(abort)
      } catch (error) {
        await this.#end(AbortSignal.abort(error))
        throw error
      }
      this.log.info(
        { pipelines: this.#plan.pipelines.length },
        'Everything is ready. Begin running and processing data.',
      )
    })
  }

  /** One at a time: whoever asks while one runs shares the next, which reads the configuration after he asked. Never rejects. */
  reload(): Promise<ReloadReport> {
    this.#queued ??= this.#turns.take(() => {
      this.#queued = undefined
      return this.#reload()
    })
    return this.#queued
  }

  /** A reload that is under way leaves off. */
  stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort(new Error('Telegen is stopping'))
    return this.#turns.take(() => this.#stopAll(deadline).finally(() => this.#end(deadline)))
  }

  /** The first process listens first: where an address is taken, it finds out. */
  async #startAll(abort: AbortSignal): Promise<void> {
    shareAddresses(this.#division.shared, { comesFirst: true })
    await this.graph.start(abort)
    if (!this.crew) return
    try {
      const isNeeded = this.#division.processes > 1
      await this.crew.become(this.loaded, isNeeded, DRAIN, abort)
      this.crew.settle(this.loaded, isNeeded)
      tellDivision(this.log, this.#division)
    } catch (error) {
      await this.#stopAll(AbortSignal.abort(error))
      throw error
    }
  }

  async #stopAll(deadline: AbortSignal): Promise<void> {
    const [stopped] = await Promise.allSettled([this.graph.stop(deadline), this.crew?.stop(deadline)])
    if (stopped.status === 'rejected') throw stopped.reason
  }

  #needs(resource: Readonly<Record<string, string>>): Omit<CrewOptions, 'entry'> {
    const { clock, first } = this.#options
    const { logs, metrics } = first.configuration.service.telemetry
    const terms = { workers: this.#workers, resource, logs, metrics: metrics.level }
    const inTurn = (work: () => Promise<void>) => this.#turns.take(work)
    const stopping = this.#stopping.signal
    return { terms, clock, log: this.log, metrics: this.metrics, inTurn, stopping }
  }

  async #end(deadline: AbortSignal): Promise<void> {
    for (const forget of this.#forget) forget()
    await this.#readers.stop(deadline)
  }

  async #reload(): Promise<ReloadReport> {
    const began = this.#options.clock.monotonic()
    const result = await this.#attempt().catch((error: unknown): Result => ({
      outcome: 'failed',
      faults: messagesOf(error),
    }))
    const { clock } = this.#options
    const report: ReloadReport = {
      faults: [],
      needsRestart: [],
      ...NO_CHANGES,
      ...result,
      at: clock.now(),
      took: clock.monotonic() - began,
    }
    this.#lastReload = report
    this.#reloads.ended(report.outcome, report.at)
    tellReload(this.log, report)
    return report
  }

  async #attempt(): Promise<Result> {
    const { signal } = this.#stopping
    if (signal.aborted) return { outcome: 'refused', faults: messagesOf(signal.reason) }
    this.log.info({}, 'Reading the configuration again')
    const read = await this.#options.read()
    this.#lastRead = read.loaded
    const { configuration, faults } = read.checked
    if (configuration === undefined) return { outcome: 'refused', faults: faultLines(faults) }
    const { telemetry } = configuration.service
    const before = this.configuration.service.telemetry
    // What a start has set stays until the next, however many reloads ago it was changed.
    const restart = needsRestart(this.#options.first.configuration.service, configuration.service)
    try {
      const drain = AbortSignal.any([AbortSignal.timeout(DRAIN), signal])
      const changes = await this.#become({ ...read, configuration }, drain)
      if (before.logs.level !== telemetry.logs.level) this.logLevel = telemetry.logs.level
      const same = changes === undefined && equal(before, telemetry)
      this.#accepted = { ...read, configuration }
      return { outcome: same ? 'unchanged' : 'reloaded', ...changes, needsRestart: restart }
    } catch (error) {
      if (error instanceof CreateFailed) {
        const faults = faultLines(dryRun(configuration, read.loaded))
        // What cannot be made in a worker alone is found by nobody else.
        return { outcome: 'refused', faults: faults.length > 0 ? faults : messagesOf(error) }
      }
      return { outcome: this.graph.isWhole ? 'rolled_back' : 'failed', faults: messagesOf(error) }
    }
  }

  /** Readers first: where theirs is the address that is taken, nothing else has been touched. Undefined where the plans are the same. */
  async #become({ configuration, catalog, loaded }: Accepted, drain: AbortSignal): Promise<Changes | undefined> {
    const division = divide(configuration, this.#workers)
    const next = plan(division.first)
    // Throws while nothing has been touched.
    const prepared = this.graph.prepare(next)
    try {
      await this.crew?.prepare(loaded)
      await this.#readers.become(configuration.service.telemetry.metrics.readers, catalog)
    } catch (error) {
      if (prepared) this.graph.discard(prepared)
      await this.crew?.discard()
      throw error
    }
    try {
      const changes = await this.#becomeAll(prepared, division, loaded, drain)
      this.#plan = next
      this.#division = division
      return changes
    } catch (error) {
      await this.#readers.become(this.configuration.service.telemetry.metrics.readers, this.catalog)
      throw error
    }
  }

  /** All processes at once. Where one fails it goes back by itself, and the others have to be told. */
  async #becomeAll(prepared: Assembly | undefined, division: Division, loaded: Loaded, drain: AbortSignal) {
    const abort = this.#stopping.signal
    const { crew } = this
    if (!crew) return prepared && (await this.graph.reload(prepared, { drain, abort }))
    shareAddresses([...this.#division.shared, ...division.shared], { comesFirst: true })
    const isNeeded = division.processes > 1
    const [first, others] = await Promise.allSettled([
      prepared && this.graph.reload(prepared, { drain, abort }),
      crew.become(loaded, isNeeded, DRAIN, abort),
    ])
    const failed = [first, others].find((each) => each.status === 'rejected')
    if (!failed) {
      crew.settle(loaded, isNeeded)
      return first.status === 'fulfilled' ? first.value : undefined
    }
    await crew.goBack(DRAIN)
    const back = first.status === 'fulfilled' ? this.graph.prepare(this.#plan) : undefined
    if (back) await this.graph.reload(back, { drain: AbortSignal.timeout(DRAIN), abort })
    throw failed.reason
  }
}

type Result = Pick<ReloadReport, 'outcome'> & Partial<ReloadReport>
