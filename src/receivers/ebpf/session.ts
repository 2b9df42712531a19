import { join } from 'node:path'
import type { Clock, ProcessNews, ScopeFields, Signal } from '../../plugin.ts'
import { Aggregates } from './aggregate/aggregates.ts'
import type { KernelClock } from './clock.ts'
import { Engine } from './engine.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { Crates } from './output/crates.ts'
import { Output } from './output/output.ts'
import { NewsBuffer } from './processes/news-buffer.ts'
import { Pump } from './pump.ts'
import type { PumpRing } from './pump.ts'
import { NO_TRACER, takeCounts, Tally } from './tally.ts'
import { TICK_MS } from './tracer.ts'
import type { Process, Processes } from './tracer.ts'
import { tracerContext } from './tracer-context.ts'
import type { AnyTracer } from './tracers.ts'

/** How often what was counted is told, in milliseconds. */
const TELL_MS = 1_000

/** What a session reads, and what it is given of the thread that it runs in. */
export interface Surroundings {
  readonly ring: PumpRing & { readonly pending: number; close(): void }
  readonly processes: SessionProcesses
  readonly clock: Clock
  readonly kernelClock: KernelClock
  readonly definitions: readonly { readonly definition: AnyTracer; readonly options: unknown }[]
  readonly version: string
  readonly post: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void
}

export interface SessionProcesses extends Processes {
  /** Whether it has ended, or is another by now. */
  hasEnded(process: Process): boolean
  /** Every `TICK_MS`. */
  sweep(): void
  /** What the kernel has to know, since it was asked last. */
  takeVerdicts(): readonly (readonly [pid: number, verdict: number])[]
}

/** What runs in the worker thread: from bytes of the ring to batches. */
export class Session {
  readonly #surroundings: Surroundings
  readonly #tallies: readonly Tally[]
  readonly #crates: Crates
  readonly #output: Output
  readonly #aggregates: Aggregates
  readonly #engine: Engine
  readonly #pump: Pump
  readonly #noTracer = new Tally(NO_TRACER)
  readonly #news = new NewsBuffer()
  readonly #periodic: readonly { readonly every: number; readonly run: () => void; due: number }[]
  readonly #collects: boolean
  readonly #flushInterval: number
  /** Milliseconds, as the clock counts. */
  #flushedAt = -Infinity
  #pending = 0
  #ended = false

  constructor(start: WorkerStart, surroundings: Surroundings) {
    const { ring, processes, clock, kernelClock, definitions, version, post } = surroundings
    const { config, signals } = start
    this.#news.isWanted = start.isFollowed ?? false
    this.#surroundings = surroundings
    this.#crates = new Crates((message) => post(message, [message.crate]))
    this.#output = new Output(this.#crates, config.batchItems)
    this.#aggregates = new Aggregates({
      series: config.series,
      host: processes.host,
      isGone: (process) => processes.hasEnded(process),
      since: kernelClock.wall(kernelClock.monotonic()),
    })
    const output = this.#output
    const listeners = definitions.map(({ definition, options }) => {
      const tally = new Tally(definition.name)
      const scope: ScopeFields = { name: `telegen/ebpf/${definition.name}`, version }
      const instruments = this.#aggregates.tracer(scope, tally)
      const tell = (news: ProcessNews) => this.#news.add(news)
      const parts = { scope, tally, processes, clock: kernelClock, signals, output, instruments, tell }
      const context = tracerContext({ ...parts, procPath: join(config.rootPath || '/', 'proc') })
      return { tracer: definition.create(context, options), tally }
    })
    this.#tallies = [...listeners.map(({ tally }) => tally), this.#noTracer]
    this.#engine = new Engine({ listeners, none: this.#noTracer, eventsPerSecond: config.eventsPerSecond })
    this.#collects = signals.includes('metrics')
    this.#flushInterval = config.flushInterval
    const now = clock.monotonic()
    const periodic = (every: number, run: () => void) => ({ every, run, due: now + every })
    this.#periodic = [
      periodic(TICK_MS, () => this.#tick()),
      periodic(TELL_MS, () => this.#tell()),
      ...(this.#collects ? [periodic(config.metricsInterval, () => this.#collect())] : []),
    ]
    this.#pump = new Pump({
      ring,
      clock,
      read: (buffer, bytes) => this.#engine.read(buffer, bytes, kernelClock.monotonic()),
      isHeld: () => this.#crates.areAllUnderWay,
      afterTurn: () => this.#afterTurn(),
    })
  }

  start(): void {
    this.#surroundings.post({ kind: 'running' })
    this.#pump.start()
  }

  hear(message: ToWorker): void {
    switch (message.kind) {
      case 'crate':
        return this.#giveBack(message.signal, message.crate)
      case 'follow':
        this.#news.isWanted = message.isFollowed
        return undefined
      case 'end':
        this.#end()
    }
  }

  #giveBack(signal: Signal, crate: ArrayBuffer): void {
    const wasHeld = this.#crates.areAllUnderWay
    this.#crates.giveBack(signal, crate)
    if (!wasHeld || this.#ended) return
    this.#output.flush()
    this.#pump.wake()
  }

  /** What is in the ring is read, what waits is sent, what was counted is told. */
  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#pump.end()
    this.#tick()
    this.#output.flush()
    if (this.#collects) this.#collect()
    this.#tell()
    this.#surroundings.ring.close()
    this.#surroundings.post({ kind: 'ended' })
  }

  #afterTurn(): void {
    const now = this.#surroundings.clock.monotonic()
    for (const one of this.#periodic) {
      if (now < one.due) continue
      one.due = Math.max(one.due + one.every, now)
      one.run()
    }
    this.#flush(now)
    this.#tellVerdicts()
  }

  /** What comes after a pause is sent at once; what follows it waits for the rest of the interval, so that little is sent often. */
  #flush(now: number): void {
    if (this.#output.isEmpty || now - this.#flushedAt < this.#flushInterval) return
    this.#flushedAt = now
    this.#output.flush()
  }

  #tick(): void {
    const { kernelClock, processes } = this.#surroundings
    const now = kernelClock.monotonic()
    kernelClock.keep(now)
    processes.sweep()
    this.#engine.tick(now)
    const news = this.#news.take()
    if (news) this.#surroundings.post({ kind: 'news', ...news })
  }

  /** Skipped while the one before waits at the gate: what is counted goes on, and the next one has it. */
  #collect(): void {
    if (this.#crates.underWay('metrics') > 0) return this.#noTracer.note('collection_skipped')
    const { kernelClock } = this.#surroundings
    for (const batch of this.#aggregates.collect(kernelClock.wall(kernelClock.monotonic())))
      this.#crates.send('metrics', [batch])
  }

  #tell(): void {
    const { ring, post } = this.#surroundings
    const { pending } = ring
    const counts = takeCounts(this.#tallies)
    if (counts !== undefined || pending !== this.#pending) post({ kind: 'counts', counts, pending })
    this.#pending = pending
    const faults = this.#engine.takeFaults()
    if (faults.length > 0) post({ kind: 'faults', faults })
  }

  #tellVerdicts(): void {
    const { processes, post } = this.#surroundings
    const verdicts = processes.takeVerdicts()
    if (verdicts.length > 0) post({ kind: 'verdicts', verdicts })
  }
}
