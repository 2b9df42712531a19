import type { KernelLoader, LoadedTracer } from '../../native.ts'
import type { ReceiverContext, Timer } from '../../plugin.ts'
import type { Intake } from './intake.ts'
import { heard, loadTracers } from './load-tracers.ts'
import type { RunningTracer } from './load-tracers.ts'
import type { WorkerStart } from './messages.ts'
import { tracersOf } from './options.ts'
import type { EbpfConfig } from './options.ts'
import type { OwnMetrics } from './own-metrics.ts'
import type { FeedHub } from './processes/feed-hub.ts'
import type { AnyTracer } from './tracers.ts'
import type { Hears } from './worker-thread.ts'

/** Of the map `counters`: `bpf/include/event.h`. */
const COUNTER_RING_FULL = 1
/** How often the kernel is asked what its programs counted, in milliseconds. */
const LOOK_MS = 5_000
/** Waits before a loader that is gone is asked again, in milliseconds. */
const FIRST_RETRY = 1_000
const LAST_RETRY = 30_000
/** How long a worker may take to end when the loader is gone, in milliseconds. */
const END_MS = 2_000

/** What it does its work with: the real ones in `ebpf.ts`, others in tests. */
export interface Means {
  /** Throws `Unavailable` where nothing can be loaded at all. */
  loader(): KernelLoader
  tracer(name: string): Promise<AnyTracer>
  thread(start: WorkerStart, hears: Hears): Thread
  /** Gives up all capabilities. */
  dropPrivileges(): void
  /** This process, and the loader's where it is another. */
  ownPids(): readonly number[]
}

export interface Thread {
  begin(): void
  /** Whether other components follow what processes do. */
  follow?(isFollowed: boolean): void
  end(deadline: AbortSignal): Promise<void>
}

/** What runs between `open` and `close`: programs in the kernel, and the thread that reads what they see. */
export class Tracing {
  readonly #context: ReceiverContext<EbpfConfig>
  readonly #means: Means
  readonly #intake: Intake
  readonly #metrics: OwnMetrics
  readonly #hub: FeedHub | undefined
  /** Events that the kernel could not tell of. */
  readonly #untold = new WeakMap<LoadedTracer, number>()
  #loader: KernelLoader | undefined
  #running: readonly RunningTracer[] = []
  #thread: Thread | undefined
  #look: Timer | undefined
  #retry: Timer | undefined
  #pause = FIRST_RETRY
  #turn: Promise<void> = Promise.resolve()
  #isStopping = false

  /** `hub`: has what the processes do told to other components. */
  constructor(context: ReceiverContext<EbpfConfig>, means: Means, intake: Intake, metrics: OwnMetrics, hub?: FeedHub) {
    this.#hub = hub
    this.#context = context
    this.#means = means
    this.#intake = intake
    this.#metrics = metrics
  }

  /** Resolves when all that can trace here does. What cannot is said, in the log and the status: the rest of the configuration runs. */
  async start(): Promise<void> {
    try {
      this.#loader = this.#means.loader()
      this.#loader.onLost((reason) => this.#lost(reason))
    } catch (thrown) {
      return this.#cannot(thrown as Error)
    }
    await this.#load()
    this.#look = this.#context.clock.every(LOOK_MS, () => void this.#lookAtAll())
  }

  /** Whether other components follow what processes do. */
  follow(isFollowed: boolean): void {
    this.#thread?.follow?.(isFollowed)
  }

  /** What was seen until now is read, sent and counted; then nothing of it is left in the kernel. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true
    this.#look?.cancel()
    this.#retry?.cancel()
    await this.#turn
    const running = this.#running
    await this.#lookAtAll()
    for (const { loaded } of running) await loaded.close()
    await this.#thread?.end(deadline)
    await this.#intake.end(deadline)
    await this.#loader?.close()
    this.#running = []
    this.#thread = undefined
  }

  async #load(): Promise<void> {
    const { config, log, ingress, status } = this.#context
    const loader = this.#loader as KernelLoader
    try {
      const chosen = await Promise.all(
        tracersOf(config).map(async ([name, options]) => ({ definition: await this.#means.tracer(name), options })),
      )
      const wanted = heard(chosen, ingress.signals, this.#hub?.isWanted ?? false, log)
      if (wanted.length === 0) return status.permanent('none of its tracers emits what leaves in a pipeline')
      const ring = await loader.ring(config.ring_size)
      const { running, unavailable } = await loadTracers(loader, ring.bytes, wanted, config.rungs, log)
      this.#running = running
      if (running.length === 0) return this.#cannot(new Error(unavailable.join('; ')))
      this.#begin(ring.descriptor)
      this.#pause = FIRST_RETRY
      if (config.privileges === 'drop') this.#means.dropPrivileges()
      if (unavailable.length > 0) status.permanent(`cannot trace all that it is told to: ${unavailable.join('; ')}`)
      else status.ok()
    } catch (thrown) {
      this.#cannot(thrown as Error)
    }
  }

  #begin(ring: number): void {
    const { config, ingress } = this.#context
    const { limits, metrics, include, exclude } = config
    const start: WorkerStart = {
      ring,
      tracers: this.#running.map(({ definition, options }) => ({ name: definition.name, options })),
      signals: ingress.signals,
      ownPids: this.#means.ownPids(),
      isFollowed: this.#hub?.isWanted ?? false,
      config: {
        selection: { include, exclude },
        rootPath: config.root_path,
        metricsInterval: metrics.interval,
        flushInterval: limits.flush_interval,
        series: limits.series,
        eventsPerSecond: limits.events_per_second,
        batchItems: limits.batch_items,
      },
    }
    this.#thread = this.#means.thread(start, this.#hears())
    this.#thread.begin()
  }

  #hears(): Hears {
    const { log, status } = this.#context
    let died = false
    return {
      running: () => {
        if (died) status.ok()
        died = false
      },
      batch: (message, emptied) => this.#intake.take(message, emptied),
      verdicts: (verdicts) => void this.#tellVerdicts(verdicts),
      counts: ({ counts, pending }) => this.#metrics.counted(counts, pending),
      news: ({ news, missed }) => this.#hub?.hear(news, missed),
      faults: (faults) => {
        for (const fault of faults) log.error({ fault }, 'A tracer failed over an event; it goes on with the next')
      },
      died: (reason, restartIn) => {
        died = true
        status.recoverable(`the thread that reads the events has ended: ${reason}`)
        log.error({ reason, restart_ms: restartIn }, 'The thread that reads the events has ended; it is started again')
      },
    }
  }

  /** The status says it, in one line of the log. Where a loader of its own is asked, it is asked again. */
  #cannot({ message }: Error): void {
    const { status, config } = this.#context
    if (config.loader.socket === '') return status.permanent(`nothing is traced: ${message}`)
    status.recoverable(`nothing is traced: ${message}`)
    this.#again()
  }

  /** The loader's process is gone, and with it all that it had attached. */
  #lost(reason: Error): void {
    if (this.#isStopping) return
    this.#context.status.recoverable(`the loader is gone, and with it what it traced: ${reason.message}`)
    this.#again()
  }

  #again(): void {
    this.#retry?.cancel()
    const pause = this.#pause
    this.#pause = Math.min(pause * 2, LAST_RETRY)
    this.#retry = this.#context.clock.after(pause, () => {
      this.#turn = this.#turn.then(() => this.#anew()).catch((error: unknown) => this.#cannot(error as Error))
    })
  }

  async #anew(): Promise<void> {
    for (const { loaded } of this.#running) this.#metrics.forget(loaded)
    this.#running = []
    await this.#thread?.end(AbortSignal.timeout(END_MS))
    this.#thread = undefined
    if (!this.#isStopping) await this.#load()
  }

  async #lookAtAll(): Promise<void> {
    const { config, log } = this.#context
    for (const { definition, loaded } of this.#running)
      try {
        await this.#metrics.look(definition.name, loaded, definition.counters ?? [], config.stats)
        if (definition.isFollowed && this.#hub?.isWanted) await this.#missed(loaded)
      } catch (error) {
        log.debug({ error, tracer: definition.name }, 'The kernel does not say what its programs counted')
      }
  }

  /** What found no room in the ring was heard by nobody. */
  async #missed(loaded: LoadedTracer): Promise<void> {
    const { [COUNTER_RING_FULL]: lost = 0 } = await loaded.counters()
    const missed = lost - (this.#untold.get(loaded) ?? 0)
    this.#untold.set(loaded, lost)
    if (missed > 0) this.#hub?.hear([], missed)
  }

  async #tellVerdicts(verdicts: readonly (readonly [pid: number, verdict: number])[]): Promise<void> {
    const any: LoadedTracer | undefined = this.#running[0]?.loaded
    if (!any) return
    try {
      for (const [pid, verdict] of verdicts) {
        const key = new Uint8Array(Uint32Array.of(pid).buffer)
        if (verdict === 0) await any.delete('verdicts', key)
        else await any.update('verdicts', key, Uint8Array.of(verdict))
      }
    } catch (error) {
      // Events of processes that are left out are then dropped here, which costs more and changes nothing else.
      this.#context.log.debug({ error }, 'The kernel was not told which processes are left out')
    }
  }
}
